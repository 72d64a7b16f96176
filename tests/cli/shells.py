"""A real shell on a terminal, whose Tab key is pressed. What beanops is called with is written down, not run."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import BEANOPS, _take_terminal
from tests.needs import missing
from tests.waits import PATIENCE

#: Completes as beanops does; what it is called with otherwise goes to a file, an argument a line.
_BEANOPS = """#!/bin/sh
[ -z "$_BEANOPS_COMPLETE" ] || exec {beanops} "$@"
printf '%s\\n' "$@" >"$HOME/called.new"
mv "$HOME/called.new" "$HOME/called"
"""
_START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
_LOAD = {
    "bash": 'eval "$({beanops} completion bash)"',
    "zsh": 'autoload -Uz compinit && compinit -D -u && eval "$({beanops} completion zsh)"',
    "fish": "{beanops} completion fish | source",
}


class Shell:
    """An interactive shell with the completion of beanops, in a folder of its own.

    A program `mark` is on its path; when anything has run it, the file `marked` is there.
    """

    def __init__(self, name: str, home: Path) -> None:
        if shutil.which(name) is None:
            missing(f"{name} is not installed")
        self.home = home
        programs = home / "bin"
        programs.mkdir()
        for program, text in {
            "beanops": _BEANOPS.format(beanops=BEANOPS),
            "mark": f"#!/bin/sh\n: >{home}/marked\n",
        }.items():
            (programs / program).write_text(text)
            (programs / program).chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name.startswith(("BEANOPS_", "LANG", "LC_"))}
        environment = {**kept, "HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "TERM": "dumb"}
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 200))
        self._process = subprocess.Popen(
            _START[name], stdin=theirs, stdout=theirs, stderr=theirs, cwd=home, env=environment,
            start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""
        self.type(f"{_LOAD[name].format(beanops=BEANOPS)}; : >ready\r")
        self._until(home / "ready")

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def called(self, keys: str) -> list[str]:
        """Type a line and return the arguments that beanops is called with."""
        called = self.home / "called"
        called.unlink(missing_ok=True)
        self.type(f"{keys}\r")
        self._until(called)
        return called.read_text().splitlines()

    @property
    def marked(self) -> bool:
        """Whether the text of a candidate was run."""
        return (self.home / "marked").exists()

    def _until(self, path: Path) -> None:
        give_up = time.monotonic() + PATIENCE
        while not path.exists():
            assert time.monotonic() < give_up, f"nothing came of it: {self.shown}"
            if select.select([self._ours], [], [], 0.02)[0]:
                self.shown += os.read(self._ours, 1 << 16).decode("utf-8", "replace")

    def end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        os.close(self._ours)


@contextmanager
def shell(name: str, home: Path) -> Iterator[Shell]:
    one = Shell(name, home)
    try:
        yield one
    finally:
        one.end()


def read_by_bash(lines: Sequence[str], folder: Path) -> list[str]:
    """Return the last argument of each line as bash reads it, in a folder that is left as it was."""
    script = "\n".join(f"set -- {line}\nprintf '%s\\0' \"${{@: -1}}\"" for line in lines)
    told = subprocess.run(["bash", "-c", script], capture_output=True, check=True, cwd=folder)
    return told.stdout.decode().split("\0")[:-1]
