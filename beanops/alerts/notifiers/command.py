"""Run a program for each notice: no shell, the facts in its environment and as JSON on its standard input."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from beanops.alerts.fields import Fields
from beanops.alerts.notifiers.notice import Notice, Notifier, NotSent, iso
from beanops.text import safe_text

#: Bytes of what it says on stderr that are read, from its end, and characters that are shown.
_READ, _SHOWN = 2048, 200


class RunCommand(Notifier):
    """Runs a program; an exit code other than 0 means that it is to be run again later."""

    kind = "command"
    batch = 1

    def __init__(self, fields: Fields) -> None:
        self._command = fields.texts("command", required=True)
        self._timeout = fields.span("timeout", 30.0, 0.1, 3600.0)
        if isinstance(fields.any("command"), str):
            fields.complain(
                'command must be a list, such as ["/usr/local/bin/page", "--now"]; there is no shell', "command"
            )
        elif self._command and shutil.which(self._command[0]) is None:
            fields.complain(f"no program {self._command[0]!r}", "command", 0)
        #: Variables of other notifiers' secrets, which the program does not get.
        self.hidden_variables: frozenset[str] = frozenset()

    def send(self, notices: Sequence[Notice]) -> None:
        """Run the program for each notice; see `Notifier.send`."""
        for notice in notices:
            self._run(notice)

    def _run(self, notice: Notice) -> None:
        name = self._command[0]
        inherited = {key: value for key, value in os.environ.items() if key not in self.hidden_variables}
        # Files instead of pipes: nobody waits for a child of the program that keeps them open.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(json.dumps(notice.facts()).encode())
            given.seek(0)
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=given,
                    stdout=said,
                    stderr=said,
                    env={**inherited, **variables(notice)},
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise NotSent(f"cannot run {name}: {getattr(error, 'strerror', None) or error}") from None
            try:
                code = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise NotSent(f"{name} did not end within {self._timeout:g} s") from None
            if code:
                raise NotSent(f"{name} ended with {_ending(code)}{_tail(said)}")


def variables(notice: Notice) -> dict[str, str]:
    """Return the facts of a notice as variables of the environment, such as ``BEANOPS_ALERT_TUBE``."""
    facts = {
        "key": notice.key,
        "status": notice.status,
        "rule": notice.rule,
        "server": notice.server,
        "tube": notice.tube,
        "severity": notice.severity,
        "summary": notice.summary,
        "description": notice.description,
        "since": iso(notice.since),
        "test": "1" if notice.test else "",
    }
    return {f"BEANOPS_ALERT_{name.upper()}": text.replace("\0", "") for name, text in facts.items()}


def _ending(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"


def _tail(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _READ))
    text = " ".join(said.read(_READ).decode("utf-8", "replace").split())
    return f": {safe_text(text[-_SHOWN:])}" if text else ""
