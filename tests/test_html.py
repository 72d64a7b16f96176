"""`card`: what a notebook shows of facts, as words and never as markup."""

from __future__ import annotations

from beanops.html import card
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats


def test_a_card_says_yes_and_no_and_leaves_out_what_is_unknown() -> None:
    html = card("<b>", {"read-only": True, "held": False, "jobs": 1234567, "reason": None, "who": "<script>"})
    cells = html.replace("<td style='text-align: left'>", "|").split("|")[1:]
    assert [cell.partition("</td>")[0] for cell in cells] == ["yes", "no", "1,234,567", "&lt;script&gt;"]
    assert "reason" not in html
    assert "&lt;b&gt;" in html


def test_a_job_with_an_empty_body_shows_no_bytes_literal() -> None:
    stats = JobStats(5, "mail", "ready", 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0)
    assert "b&#x27;" not in FoundJob(stats, b"")._repr_html_()
    assert ">body<" in FoundJob(stats, b"")._repr_html_()
    assert ">body<" not in FoundJob(stats, None)._repr_html_()
