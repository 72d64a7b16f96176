"""What reads jobs into a file, and puts jobs from one: export, import, and one job for each line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from beanops.protocol.errors import UsageError
from beanops.session.execution.verbs import ALL
from beanops.text import plural, safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Field, Offer, Request, Target, at_once, jobs_of
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import Runner

#: All states: a file takes the jobs that workers have reserved too, if they are chosen.
_TAKEN = frozenset({*ALL["copy"].states, "held"})
#: Maximum bytes of a file of lines.
MOST_BYTES = 256 * 2**20


def _name(target: Target) -> str:
    """Return the file's name that is proposed: of the tube, and of the time."""
    tube = target.tubes[0].name if len(target.tubes) == 1 else "jobs"
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in tube)[:60]
    return f"{plain}-{datetime.now():%Y%m%d-%H%M%S}.jsonl"


def _export(request: Request, runner: Runner) -> Outcome:
    session, name = request.session, request.answers["file"]
    chosen: dict[str, Any] = {}
    jobs: Any = jobs_of(request)
    if len(request.selected) == 1:
        jobs, chosen = request.selected[0].tube, request.selected[0].options
    elif request.selected:
        raise UsageError("export takes the jobs of one tube; open it, or use beanops export")
    path = str(Path(name).expanduser())
    outcome = at_once(request, runner, lambda progress: session.export(path, jobs, **chosen, progress=progress))
    written = outcome.results.counts["done"]
    return outcome._replace(text=f"{outcome.text}, into {safe_text(name, limit=60)}") if written else outcome


EXPORT = Offer(
    CATALOGUE["export"],
    lambda target: target.may_have(_TAKEN),
    lambda request: f"Export {request.jobs} to {safe_text(request.answers['file'], limit=60)}?",
    _export,
    lambda target: (Field("file", "File", _name(target), "path", "JSON lines, as beanops import reads them"),),
    "jobs",
    "no job is selected",
    takes=_TAKEN,
    changes=False,
)


def _import(request: Request, runner: Runner) -> Outcome:
    path = str(Path(request.answers["file"]).expanduser())
    return at_once(request, runner, lambda progress: request.session.import_(path, progress=progress))


IMPORT = Offer(
    CATALOGUE["import"],
    lambda target: True,
    lambda request: f"Put the jobs of {safe_text(request.answers['file'], limit=60)}?",
    _import,
    lambda target: (Field("file", "File", "", "path", "JSON lines, as beanops export writes them"),),
    "none",
)


def lines_of(path: str) -> tuple[bytes, ...]:
    """Return the lines of a file, each the body of a job; empty ones are left out.

    Raises
    ------
    UsageError
        It cannot be read, is too large, or has no line.
    """
    try:
        with Path(path).expanduser().open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, RuntimeError, ValueError) as error:  # no such user, or a NUL in the name
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES // 2**20} MB")
    bodies = tuple(line.removesuffix(b"\r") for line in data.split(b"\n") if line.strip())
    if not bodies:
        raise UsageError(f"{path} has no lines")
    return bodies


def put(request: Request, runner: Runner) -> Outcome:
    """Put a job, or one for each body."""
    answers: Mapping[str, Any] = request.answers
    settings = {name: answers[name] for name in ("priority", "delay", "ttr") if name in answers}
    session, to, bodies = request.session, answers["to"], answers.get("bodies")
    if bodies is not None:
        return at_once(
            request, runner, lambda progress: session.put_many(bodies, tube=to, **settings, progress=progress)
        )
    outcome = at_once(request, runner, lambda _: session.put(answers["body"], tube=to, **settings))
    id = next((id for run in outcome.results.runs if run.done for id in run.ids), None)
    # After a copy the cursor stays on the copied job.
    goes = id if request.offer.name == "put" else None
    return outcome._replace(text=f"{outcome.text}, job {id}" if id is not None else outcome.text, id=goes)


def put_sentence(request: Request) -> str:
    """Return what is put into which tube."""
    tube, bodies = safe_text(request.answers["to"]), request.answers.get("bodies")
    if bodies is not None:
        return f"Put {plural(len(bodies), 'job')} of {plural(sum(map(len, bodies)), 'byte')} into tube {tube}?"
    return f"Put a job of {plural(len(request.answers['body']), 'byte')} into tube {tube}?"
