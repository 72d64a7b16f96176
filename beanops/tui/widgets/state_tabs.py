"""`StateTabs`: the number of a tube's jobs in each state, as tabs: the jobs of the chosen one are listed."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message

from beanops.protocol import TubeStats
from beanops.protocol.states import STATES
from beanops.tui.widgets.line import Line, Part
from beanops.ui.formatting import count

#: The tabs, None is all states.
TABS: tuple[str | None, ...] = (None, *STATES)


class StateTabs(Line):
    """One line of tabs."""

    class TabChosen(Message):
        """A tab was clicked."""

        def __init__(self, state: str | None) -> None:
            super().__init__()
            self.state = state

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ends: list[int] = []

    def parts(self, stats: TubeStats, chosen: str | None) -> list[Part]:
        """Return the tabs; a click then chooses one of them."""
        parts: list[Part] = []
        self._ends, end = [], 0
        for state in TABS:
            number = _jobs_in(stats, state)
            style = f"${state}" if state and number else "" if number else "$muted"
            text = f"{state or 'all'} {count(number)}"
            text = f"[{text}]" if state == chosen else f" {text} "
            parts.append((text, f"bold reverse {style}" if state == chosen else style))
            end += Content(text).cell_length
            self._ends.append(end)
        return parts

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the pointer."""
        place = event.get_content_offset(self)
        if place is None:
            return
        for state, end in zip(TABS, self._ends, strict=False):
            if place.x < end:
                self.post_message(self.TabChosen(state))
                return


def next_tab(stats: TubeStats | None, chosen: str | None) -> str | None:
    """Return the tab after the chosen one; tabs without jobs are left out, if it is known which they are."""
    here = TABS.index(chosen)
    following = (*TABS[here + 1 :], *TABS[:here])
    return next((state for state in following if state is None or stats is None or _jobs_in(stats, state)), None)


def _jobs_in(stats: TubeStats, state: str | None) -> int:
    return sum(int(getattr(stats, f"current_jobs_{one}")) for one in ((state,) if state else STATES))
