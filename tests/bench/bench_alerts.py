"""What rules of alerts cost: many of them on a look at many tubes, beside a tenth of the time between looks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beanops.alerts.alert import Alert
from beanops.alerts.evaluation import evaluate
from beanops.alerts.rows import TUBES
from beanops.alerts.rules import Rule, Rules
from beanops.jobs.sql.row_predicates import RowPredicates
from tests.bench.bench_monitor import timed
from tests.bench.figures import Figure, in_turn, show


def many_rules(tubes: int = 10_000, rules: int = 20, firing: int = 10, rounds: int = 9) -> None:
    """Print the time in which rules are applied to tubes, some of which have an alert by each rule."""
    usual: dict[str, Any] = {name: 0 for name, kind in TUBES.columns.items() if kind != "text"}
    rows = [{**usual, "server": "prod", "tube": f"tube-{n}", "ready": n, "age": float(n)} for n in range(tubes)]
    predicates, alerts = RowPredicates(), dict[str, Alert]()
    when = f"ready >= {tubes - firing} and age > interval 1 minute"
    known = [Rule(f"rule-{n}", TUBES, when, hold=30.0, summary="{tube}: {values}") for n in range(rules)]

    def look() -> None:
        assert not evaluate(alerts, known, predicates, "prod", {"tubes": rows}, 10.0, datetime.now(UTC))

    look()
    assert len(alerts) == rules * firing
    (seconds,) = in_turn(rounds, timed(look))
    tenth = Rules(Path()).interval / 10
    show(
        f"{rules} rules of alerts on {tubes:,} tubes, median of {rounds}",
        [Figure("a look", seconds * 1000, tenth * 1000, 1, at_least=False, unit="ms")],
    )


def main() -> None:
    """Print all figures of alerts."""
    many_rules()


if __name__ == "__main__":
    main()
