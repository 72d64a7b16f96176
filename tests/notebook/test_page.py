"""The page writes numbers and spans of time as Python does."""

from __future__ import annotations

from beanops.notebook.widgets.page_files import page_text
from beanops.text import span
from beanops.ui.formatting import count, rate, rounded
from tests.notebook.lab import Lab
from tests.waits import PATIENCE

SPANS = [-90000, -61, -1, -0.5, 0, 0.9, 59, 60, 200, 3599, 3600, 7500, 86399, 86400, 300000]
RATES = [None, 0, 0.004, 0.04, 0.094, 0.096, 0.25, 12.34, 99.94, 99.95, 1234.5]
#: As a row has them: rounded, so that both sides round the same way.
SENT = [each and rounded(each) for each in RATES]


def test_the_page_writes_numbers_as_the_terminal_does(lab: Lab) -> None:
    page = lab.browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.add_script_tag(content=page_text("view/dom.js", "table/cells.js"))
    assert page.evaluate("values => values.map(duration)", SPANS) == [span(seconds) for seconds in SPANS]
    assert page.evaluate("values => values.map(shown.rate)", SENT) == [rate(each, 11) for each in RATES]
    assert page.evaluate("shown.count(1234567)") == count(1234567)
    page.close()
