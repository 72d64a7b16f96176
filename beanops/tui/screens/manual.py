"""The manual in the dashboard: the topics at the left, the page of the one under the cursor at the right."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Markdown, OptionList
from textual.widgets.option_list import Option

from beanops import manual
from beanops.tui import keys
from beanops.tui.widgets.footer import KeyFooter


class ManualScreen(ModalScreen[None]):
    """Shows the manual.

    Parameters
    ----------
    topic : str
        The page to open, one of `beanops.manual.topics`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.MANUAL]

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def compose(self) -> ComposeResult:
        """Lay out the topics and the page."""
        choice = OptionList(id="topics", markup=False)
        for group, topics in manual.groups().items():
            choice.add_option(Option(group, disabled=True))
            choice.add_options([Option(f"  {title}", name) for name, title in topics.items()])
        choice.highlighted = choice.get_option_index(self._topic)
        with Horizontal(id="manual"):
            yield choice
            with VerticalScroll(id="page", can_focus=False):
                yield Markdown(open_links=False)
        yield KeyFooter()

    @on(OptionList.OptionHighlighted, "#topics")
    async def _show(self, event: OptionList.OptionHighlighted) -> None:
        assert event.option_id is not None
        if event.option_index != event.option_list.highlighted:
            return  # the next key was faster than this page
        await self.query_one(Markdown).update(manual.terminal_page(event.option_id))
        self.query_one("#page").scroll_home(animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Scroll the page by its height."""
        page = self.query_one("#page")
        page.scroll_relative(y=pages * (page.size.height - 1), animate=False)
