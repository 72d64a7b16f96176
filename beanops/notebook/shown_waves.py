"""What a page shows of a canary, as JSON, and what a notebook file keeps of it as a table. No widgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from beanops.notebook.static import MOST_CHARACTERS, StaticTable
from beanops.session.investigation.canary import Stages, sizes_of
from beanops.session.investigation.verdicts import KickedJob
from beanops.text import safe_text
from beanops.ui.columns.canary import VERDICT_COLUMNS, VerdictRow, verdict_rows
from beanops.ui.columns.column import Column
from beanops.ui.waves import BAD, VERDICT_TONES, WaveRunner

#: Waves to come that are shown one by one.
MOST_TO_COME = 6
_PASSED = {True: "passed", False: "failed", None: "unknown"}


class _WaveRow(NamedTuple):
    wave: int
    row: VerdictRow


def _of(column: Column[VerdictRow]) -> Column[_WaveRow]:
    value = column.value
    return Column(column.name, column.title, lambda one: value(one.row), column.unit)


_STATIC = (
    Column[_WaveRow]("wave", "wave", lambda one: one.wave, "text"),
    *(_of(column) for column in VERDICT_COLUMNS),
)


def shown_waves(runner: WaveRunner | None, stages: Stages, total: int) -> dict[str, Any]:
    """Return the waves of a canary for its page: those that are over, the one under way, and the sizes of the next.

    Parameters
    ----------
    runner : WaveRunner or None
        Carries it out; None before it begins.
    stages : Stages
        How it proceeds.
    total : int
        Number of jobs that were there when it began.
    """
    over = [] if runner is None else list(runner.waves)
    waves = [
        {
            "number": wave.number,
            "mark": _PASSED[wave.passed],
            "jobs": len(wave.jobs),
            "seconds": wave.length,
            "verdicts": _verdicts(wave.jobs),
            "said": safe_text("; ".join([*wave.notes, wave.judgement])),
        }
        for wave in over
    ]
    watched = [] if runner is None else list(runner.watched)
    if runner is not None and watched:
        decided = sum(job.is_final for job in watched)
        left = round(runner.seconds_left, 1)
        about = {"number": len(waves) + 1, "mark": "", "jobs": len(watched), "decided": decided, "left": left}
        waves.append({**about, "verdicts": _verdicts(watched), "said": ""})
    sizes = list(sizes_of(stages, total))[len(waves) :]
    return {
        "total": total,
        "seconds": stages.seconds,
        "waves": waves,
        "next": sizes[:MOST_TO_COME],
        "asks": runner is not None and runner.question is not None,
    }


def _verdicts(jobs: Iterable[KickedJob]) -> list[dict[str, Any]]:
    """Return the verdicts of a wave with their colours and numbers."""
    columns = {column.name: column for column in VERDICT_COLUMNS}
    return [
        {
            "verdict": row.verdict.replace("_", " "),
            "tone": VERDICT_TONES.get(row.verdict, BAD),
            "jobs": len(row.jobs),
            **{name: columns[name].text(row, MOST_CHARACTERS) for name in ("first", "last", "meaning", "ids")},
        }
        for row in verdict_rows(jobs)
    ]


def static_waves(title: str, waves: Sequence[Sequence[KickedJob]]) -> StaticTable:
    """Return the verdicts of all waves as a table."""
    found = [_WaveRow(number, row) for number, jobs in enumerate(waves, 1) for row in verdict_rows(jobs)]
    rows = [tuple(column.value(one) for column in _STATIC) for one in found]
    return StaticTable(title, _STATIC, rows, len(rows))
