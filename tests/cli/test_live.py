"""The commands that open a dashboard: what they hand to it."""

from __future__ import annotations

from typing import Any

import pytest

from beanops.cli.commands import dashboard
from tests.cli.conftest import Cli, one_line


@pytest.mark.parametrize(
    ("command", "opens"), [("tui", "beanops.tui.app.run"), ("web", "beanops.tui.web.server.serve")]
)
def test_what_is_redacted_is_redacted_in_the_dashboard(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str, opens: str
) -> None:
    opened: list[dict[str, Any]] = []
    monkeypatch.setattr(opens, lambda server, **how: opened.append(how))
    monkeypatch.setattr(dashboard, "why_plain", lambda: "")
    assert cli(command, "--redact", "*token*", "--redact", "/^card/").code == 0
    assert opened[0]["redact"] == ("*token*", "/^card/")


def test_a_pattern_that_is_none_is_told_before_anybody_visits(cli: Cli) -> None:
    ended = cli("web", "--redact", "/(/")
    assert ended.code == 2
    assert "a regular expression" in one_line(ended.err)
