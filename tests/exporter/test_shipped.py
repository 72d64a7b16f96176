"""The dashboard, the alert rules and the page of the manual: they speak of metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from beanops import Client, exporter, manual
from beanops.exporter.web_config import read_web_config
from tests.exporter.conftest import Exporter, samples_of
from tests.needs import program

#: What Prometheus itself knows of a target.
OF_PROMETHEUS = {"up"}
#: Metrics that are there only while something is so.
NOW_AND_THEN = {
    "beanops_problem_seconds",
    "beanops_tube_drain_seconds",
    "beanops_tube_buried_job_age_seconds",
    "beanops_tube_timed_jobs",
    *(f"beanops_{whose}job_{what}_seconds" for whose in ("", "tube_") for what in ("wait", "run")),
}


def queries() -> list[str]:
    """Return all queries of the dashboard."""
    board = json.loads(exporter.dashboard())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    found += [one["expr"] for one in board["annotations"]["list"]]
    return found + [one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query"]


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\b(?:beanstalkd|beanops)_\w+|\bup\b(?=\{)", text))


@pytest.fixture
def names(exporter: Exporter, client: Client) -> set[str]:
    """Give the names of all metrics of a server with a job."""
    client.put(b"x", tube="mail")
    exporter.look()
    exporter.look()
    return {name for name, _ in samples_of(exporter.ask().text)}


def test_dashboard_and_rules_ask_for_metrics_that_there_are(names: set[str]) -> None:
    rules = [rule["expr"] for group in yaml.safe_load(exporter.rules())["groups"] for rule in group["rules"]]
    asked = set().union(*map(metrics_in, [*queries(), *rules]))
    assert len(asked) > 25
    assert asked <= names | OF_PROMETHEUS | NOW_AND_THEN


def test_the_manual_names_all_metrics(names: set[str]) -> None:
    page = manual.page("prometheus")
    listed = re.findall(r"^\| `((?:beanstalkd|beanops)_\w+)` \|", page, re.M)
    assert max(Counter(listed).values()) == 1
    assert set(listed) == names | NOW_AND_THEN
    assert metrics_in(page) <= set(listed)


def test_types_and_labels_of_the_manual_are_those_of_the_metrics(exporter: Exporter, client: Client) -> None:
    client.put(b"x", tube="mail")
    exporter.look()
    text = exporter.ask().text
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    labels = {name: {label for label, _ in pairs} for name, pairs in samples_of(text)}
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \|", manual.page("prometheus"), re.M)
    for name, kind, named in rows:
        if name in types:
            assert (name, types[name], labels[name]) == (name, kind, set(re.findall(r"`(\w+)`", named)))


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(exporter.dashboard())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: Counter[tuple[int, int]] = Counter()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert max(cells.values()) == 1


def test_every_query_of_the_dashboard_is_limited_to_what_was_chosen() -> None:
    board = json.loads(exporter.dashboard())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            selectors: list[Any] = re.findall(r"(\w+)\{(.*?)\}", target["expr"])
            assert selectors, panel["title"]
            for metric, labels in selectors:
                wanted = ["$instance", *(["$server"] if metric != "up" else [])]
                wanted += ["$tube"] if "_tube_" in metric and "row_age" not in metric else []
                assert all(f'=~"{name}"' in labels for name in wanted), (panel["title"], metric)


def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(exporter.rules())
    checked = subprocess.run(
        [program("promtool"), "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
    number = exporter.rules().count("alert: ")
    assert f"SUCCESS: {number} rules found" in checked.stdout


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(exporter.rules())
    shutil.copy(Path(__file__).with_name("rules_test.yml"), tmp_path)
    tested = subprocess.run(
        [program("promtool"), "test", "rules", "rules_test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    cases = Path(__file__).with_name("rules_test.yml").read_text()
    assert {name for name in re.findall(r"alert: (\w+)", exporter.rules()) if name not in cases} == set()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", manual.page("prometheus"), re.M | re.S)


def test_the_examples_of_the_manual_are_right(certificates: Path, tmp_path: Path) -> None:
    prometheus, web, keda = blocks("yaml")
    (tmp_path / "prometheus.yml").write_text(prometheus)
    (tmp_path / "beanstalkd.rules.yml").write_text(exporter.rules())
    checked = subprocess.run(
        [program("promtool"), "check", "config", "prometheus.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (certificates / "manual.yml").write_text(web)
    assert read_web_config(certificates / "manual.yml").users.keys() == {"prometheus"}
    (trigger,) = yaml.safe_load(keda)["spec"]["triggers"]
    assert trigger["type"] == "prometheus"
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
