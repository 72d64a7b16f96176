"""Views in an exported page: what it shows offline, and with a manager of widgets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from beanops.session.session import Session
from tests.notebook.bare import bare_page
from tests.notebook.exported import SECRET, executed, states_in_html, two_views


def test_an_exported_page_shows_tables_offline_and_its_widgets_show_more(
    browser: Any, server: Session, tmp_path: Path
) -> None:
    path = executed(tmp_path, *two_views(server), to="html")
    html = path.read_text()
    assert SECRET not in html
    page = browser.new_page()
    page.route(re.compile("^http"), lambda route: route.abort())
    page.goto(path.as_uri())
    tables = page.locator(".beanops-static:visible")
    assert tables.count() == 2
    assert "59" in tables.nth(0).locator("tr", has_text="mail").inner_text()
    assert "as of 20" in tables.nth(1).inner_text()
    assert tables.nth(1).locator("tbody tr").count() == 50
    assert page.evaluate("() => window.owned") is None
    page.close()

    # Online, the page loads a manager of widgets, which makes them from their saved states.
    with bare_page(browser) as bare:
        bare.reopen(states_in_html(html))
        bare.page.locator(".beanops-notlive").nth(1).wait_for()
        bare.row(0, "mail").wait_for()
        bare.row(0, "mail").click()
        assert bare.grid(0).locator("[data-action=pause]").is_disabled()
        browsed = bare.page.locator(".beanops-browser")
        assert browsed.locator(".beanops-body .beanops-row:not([hidden])").count() > 5
        assert bare.page.evaluate("() => window.owned") is None
        bare.picture("exported")
        assert bare.errors == []
