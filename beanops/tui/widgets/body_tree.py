"""`BodyTree`: decoded data as a tree that folds; nodes are made when they are unfolded."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.bodies.forms import Body

#: Maximum children of a node, maximum characters of a value, and children up to which a node starts unfolded.
CHILDREN, VALUE, OPEN = 1000, 400, 20


class BodyTree(Tree[Any]):
    """Data as a tree."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*keys.TREE]
    ICON_NODE, ICON_NODE_EXPANDED = "▸ ", "▾ "

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(Text("body"), id=id)
        self.guide_depth = 3
        self._shown: tuple[bytes, str] | None = None

    def show(self, body: Body | None) -> None:
        """Show a body's data from its root; the same body stays folded as it is."""
        # Data is not compared: in Python 1 equals True.
        shown = None if body is None else (body.raw, body.kind)
        if shown == self._shown:
            return
        self._shown = shown
        data = None if body is None else body.data
        self.clear()
        self.root.set_label(Text("") if body is None else _label("", data))
        self.root.data = data
        self._fill(self.root, deep=True)

    def _fill(self, node: TreeNode[Any], deep: bool = False) -> None:
        data = node.data
        pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
        for name, value in islice(pairs, CHILDREN):
            if isinstance(value, dict | list) and value:
                child = node.add(_label(str(name), value), data=value)
                if deep and len(value) <= OPEN:
                    self._fill(child)
                    child.expand()
            else:
                node.add_leaf(_label(str(name), value))
        if isinstance(data, dict | list) and len(data) > CHILDREN:
            node.add_leaf(Text(f"… {plural(len(data) - CHILDREN, 'other')}", "italic"))
        if node.children:
            node.expand()

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Any]) -> None:
        """Make the children of a node that is unfolded for the first time."""
        event.stop()
        if not event.node.children and event.node.data:
            self._fill(event.node)


def _label(name: str, value: Any) -> Text:
    text = Text(f"{safe_text(name, limit=80)}  " if name else "", "bold")
    if isinstance(value, dict):
        text.append(plural(len(value), "field"), "dim not bold")
    elif isinstance(value, list):
        text.append(plural(len(value), "item"), "dim not bold")
    else:
        shown = value if isinstance(value, str) else json.dumps(value, default=str)
        text.append(safe_text(shown, limit=VALUE), "not bold")
    return text
