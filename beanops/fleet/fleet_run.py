"""`FleetRun`: what a verb did on each of several servers. The journal has a run for each, with the id of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from beanops.protocol.errors import BeanopsError
from beanops.session.execution.run import Run
from beanops.text import plural, safe_text

if TYPE_CHECKING:
    import pandas

    from beanops.fleet.calls import Answers, Call

_OUTCOMES = ("done", "skipped", "failed", "unknown")
#: Reasons in a summary.
_REASONS = 2


class FleetRun:
    """One call of a verb on several servers: one `Run` for each.

    Attributes
    ----------
    id : str
        What the journal has as ``fleet`` of each of its runs; `Fleet.undo` takes it.
    action : str
        The verb.
    dry : bool
        Whether it changed nothing.
    errors : dict of str to BeanopsError
        By server, why it did not do what it was asked to.
    absent : dict of str to BeanopsError
        By server, that it has no such tube or group of jobs, which leaves nothing to do there.
    """

    def __init__(self, id: str, action: str, dry: bool = False) -> None:
        self.id = id
        self.action = action
        self.dry = dry
        self.errors: dict[str, BeanopsError] = {}
        self.absent: dict[str, BeanopsError] = {}
        self._calls: dict[str, Call] = {}
        self._cancelled = False

    def follow(self, calls: Mapping[str, Call]) -> None:
        """Take its runs from calls that have begun."""
        self._calls = {**calls}

    def leave_out(self, servers: Collection[str]) -> None:
        """Forget what was found on servers."""
        self._calls = {name: call for name, call in self._calls.items() if name not in servers}

    def end(self, answers: Answers, *, named: bool) -> None:
        """Note which servers did not answer; where each was `named`, a tube that it does not have is an error."""
        self.errors = answers.errors if named else answers.failed
        self.absent = {} if named else answers.absent

    # -- its runs ------------------------------------------------------------------------------------------------

    @property
    def runs(self) -> dict[str, Run]:
        """The runs that have begun, by server."""
        return {name: run for name, call in self._calls.items() if (run := _run_of(call)) is not None}

    @property
    def unanswered(self) -> dict[str, str]:
        """By server, why it did not answer, or refused; where a run had begun there, `runs` has it too."""
        runs = self.runs
        return {
            name: f"{error}; run {runs[name].id} ends early, and the journal has its outcomes"
            if name in runs and not self.dry
            else str(error)
            for name, error in self.errors.items()
        }

    @property
    def complete(self) -> bool:
        """Whether every server answered and all actions were done."""
        return not self.errors and all(run.complete for run in self.runs.values())

    def cancel(self) -> None:
        """End its runs after their current batches; from any thread, and from a handler of signals."""
        self._cancelled = True
        for call in list(self._calls.values()):
            call.abandon("cancelled")

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    # -- its counts ----------------------------------------------------------------------------------------------

    def _sum(self, name: str) -> int:
        return sum(getattr(run, name) for run in self.runs.values())

    @property
    def named(self) -> int:
        """Number of ids that were given; 0 for a tube."""
        return self._sum("named")

    @property
    def done(self) -> int:
        """Actions that were done."""
        return self._sum("done")

    @property
    def skipped(self) -> int:
        """Actions that were skipped."""
        return self._sum("skipped")

    @property
    def failed(self) -> int:
        """Actions that a server refused."""
        return self._sum("failed")

    @property
    def unknown(self) -> int:
        """Actions without an answer from their server."""
        return self._sum("unknown")

    @property
    def unchanged(self) -> int:
        """Jobs of an edit that needed no change."""
        return self._sum("unchanged")

    @property
    def counted(self) -> int:
        """Actions of any outcome."""
        return self._sum("counted")

    @property
    def commands(self) -> int:
        """Of a dry run: the maximum number of commands."""
        return self._sum("commands")

    @property
    def resumable(self) -> bool:
        """Whether `Fleet.resume` can resume a run of it that ended early."""
        return any(run.stopped is not None and run.resumable for run in self.runs.values())

    @property
    def reasons(self) -> dict[str, tuple[int, str]]:
        """Why actions were not done: each reason with the number of actions, and the first server and job."""
        found: dict[str, tuple[int, str]] = {}
        for name, run in self.runs.items():
            for reason, (times, first) in run.reasons.items():
                known = found.get(reason, (0, f"{name} {first}"))
                found[reason] = (known[0] + times, known[1])
        return found

    @property
    def summary(self) -> str:
        """One line with the counts, the most frequent reasons for what was not done, and servers without an answer."""
        runs = self.runs
        counts = Counter({name: self._sum(name) for name in (*_OUTCOMES, "unchanged")})
        done = f"{counts['done']:,} {'would be done' if self.dry else 'done'}"
        others = [f"{n:,} {outcome}" for outcome, n in counts.items() if n and outcome != "done"]
        on = f" on {plural(len(runs), 'server')}" if runs else ""
        line = f"{self.action}: {', '.join([done, *others])}{on}"
        reasons = sorted(self.reasons.items(), key=lambda reason: -reason[1][0])
        shown = [f"{first}: {why}" if n == 1 else f"{n:,} times, first {first}: {why}" for why, (n, first) in reasons]
        if shown:
            more = f"; and {plural(len(shown) - _REASONS, 'other reason')}" if len(shown) > _REASONS else ""
            line += f" ({'; '.join(shown[:_REASONS])}{more})"
        notes = [f"{name} {note}" for name, run in runs.items() if (note := run.besides)]
        notes += [f"{name} stopped: {run.stopped}" for name, run in runs.items() if run.stopped is not None]
        notes += [f"{name}: {why}" for name, why in self.unanswered.items()]
        return "; ".join([line, *notes])

    # -- frames --------------------------------------------------------------------------------------------------

    @property
    def counts(self) -> pandas.DataFrame:
        """One row per server.

        Columns: ``server``, the ``run`` (missing where none began), ``done``, ``skipped``, ``failed``, ``unknown``
        (int64), and ``unanswered``, why the server did not answer (text, missing where it did).
        """
        import pandas as pd

        from beanops.shown_frame import ShownFrame

        runs, unanswered = self.runs, self.unanswered
        names = list(dict.fromkeys([*runs, *unanswered]))
        columns: dict[str, Any] = {
            "server": pd.array(names, dtype="str"),
            "run": pd.array([runs[name].id if name in runs and not self.dry else None for name in names], dtype="str"),
        }
        for outcome in _OUTCOMES:
            counted = [getattr(runs[name], outcome) if name in runs else 0 for name in names]
            columns[outcome] = pd.array(counted, dtype="int64")
        columns["unanswered"] = pd.array([unanswered.get(name) for name in names], dtype="str")
        return ShownFrame(columns)

    @property
    def outcomes(self) -> pandas.DataFrame:
        """Its actions, one row per action, with ``server`` and the other columns of `Session.actions`."""
        from beanops.fleet.merging import joined

        return joined({name: run.outcomes for name, run in self.runs.items()})

    @property
    def jobs(self) -> pandas.DataFrame:
        """The jobs that it changed or put, or would: ``server``, ``id``, ``instance``, ``tube``; verbs accept it."""
        import pandas as pd

        from beanops.fleet.merging import joined
        from beanops.shown_frame import ShownFrame

        frames = {}
        for name, run in self.runs.items():
            refs = run.refs
            facts = {fact: refs.facts[fact] or [None] * len(refs) for fact in ("instance", "tube")}
            texts = {fact: pd.array(list(values), dtype="str") for fact, values in facts.items()}
            frames[name] = ShownFrame({"id": pd.array(list(refs.ids), dtype="uint64"), **texts})
        return joined(frames)

    def __repr__(self) -> str:
        return f"<FleetRun {self.id} {self.summary}>"

    def _repr_html_(self) -> str:
        table = self.counts.to_html(index=False, na_rep="")
        return f"<p><b>{escape(safe_text(self.summary))}</b><br>fleet run {escape(self.id)}</p>{table}"


def _run_of(call: Call) -> Run | None:
    if isinstance(call.answer, Run):
        return call.answer
    return call.runs[0] if call.runs else None
