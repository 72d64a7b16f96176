"""What makes a view stand where a widget does: in boxes of ipywidgets and in marimo."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class WidgetLike(ABC):
    """Has what others ask of a widget, without being one: ipywidgets holds every widget for ever.

    Attributes
    ----------
    widget : AnyWidget
        What does the work.
    """

    widget: Any

    @abstractmethod
    def _appears(self) -> None:
        """Note that a notebook shows it."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """A class of widgets, for `isinstance`: boxes take nothing else."""
        return type(self.widget)

    @property
    def model_id(self) -> str:
        """The id of its widget; who asks for it shows the view."""
        self._appears()
        return str(self.widget.model_id)

    @property
    def layout(self) -> Any:
        """The layout of its widget, such as ``view.layout.width = "50%"``."""
        return self.widget.layout

    @property
    def comm(self) -> Any:
        """The connection of its widget to pages."""
        return self.widget.comm

    @property
    def _model_id(self) -> str:
        return self.model_id

    def get_state(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Return the synced traits of its widget."""
        state: dict[str, Any] = self.widget.get_state(*arguments, **options)
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        """Set synced traits of its widget, as a page does."""
        self.widget.set_state(state)

    def _display_(self) -> Any:
        self._appears()
        return self.widget
