"""The key bindings, as data: footer and help are made from them, and the user's `[keys]` can change them.

The keys of actions on tubes and jobs are in `beanops.tui.actions.catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from textual.binding import Binding

from beanops.session.config import ConfigError


def key(
    scope: str,
    keys: str,
    action: str,
    label: str,
    help: str = "",
    *,
    show: bool = False,
    display: str | None = None,
    priority: bool = False,
) -> Binding:
    """Return a binding; in keymaps it is called by its scope and label, such as ``table.page-up``.

    Without a `help` it shares the line of the one before it. With `priority` it is done before the next key is looked
    at, which may be for what it opens.
    """
    name = f"{scope}.{label.lower().replace(' ', '-')}"
    return Binding(keys, action, label, show=show, key_display=display, priority=priority, tooltip=help, id=name)


APP = [
    key("app", "question_mark", "app.help", "Help", "What the keys do here", show=True, display="?"),
    key("app", "a", "app.record", "Actions", "What was done on this server, by whom, and what came of it", show=True),
    key("app", "f", "app.freeze", "Freeze", "Hold still what is shown, or go on"),
    key("app", "plus", "app.interval(1)", "Slower", "Look at the server less or more often", display="+ -"),
    key("app", "minus", "app.interval(-1)", "Faster"),
    key("app", "colon", "app.command", "Do", "Type a command, with Tab to complete it", display=":"),
    key("app", "ctrl+p", "app.palette", "Palette", "Find what can be done now by a part of its name"),
    key("app", "S", "app.screenshot", "Screenshot", "Save what is shown as a picture"),
    key("app", "f5", "app.refresh", "Refresh", "Ask the server at once, also when it is lost", display="F5"),
    key("app", "q", "app.quit", "Quit", "Leave; jobs that you hold become ready again", show=True),
    key(
        "app",
        "ctrl+z",
        "app.suspend_process",
        "Suspend",
        "Go back to the shell until fg; held jobs are not touched meanwhile",
        display="^z",
        priority=True,
    ),
    key("app", "ctrl+q,ctrl+c", "app.quit", "Quit anywhere", "Leave, also from a dialog", display="^c", priority=True),
]

BACK = [key("back", "escape", "back", "Back", "Back one level", display="Esc")]

TABLE = [
    key("table", "up", "cursor(-1)", "Up", "One row up or down", display="↑↓"),
    key("table", "down", "cursor(1)", "Down"),
    key("table", "pageup", "page(-1)", "Page up", "One page up or down", display="PgUp PgDn"),
    key("table", "pagedown", "page(1)", "Page down"),
    key("table", "home", "top", "Top", "First or last row", display="Home End"),
    key("table", "end", "bottom", "Bottom"),
]

SORT = [
    key("sort", "less_than_sign", "sort(-1)", "Sort", "Sort by the next column", display="<>"),
    key("sort", "greater_than_sign", "sort(1)", "Sort right"),
    key("sort", "r", "reverse", "Reverse", "Turn the order round"),
]

MARKS = [
    key("marks", "space", "mark", "Mark", "Mark the row, or take its mark away", show=True, display="␣"),
    key(
        "marks", "full_stop,ctrl+space,ctrl+@", "mark_range", "Mark to here", "From the last mark to here", display="."
    ),
    key("marks", "asterisk", "mark_all", "Mark all", "All rows that the filter shows, or none of them", display="*"),
]

TUBES = [
    key("tubes", "enter", "open", "Open", "Open the tube under the cursor", show=True, display="⏎"),
    key(
        "tubes",
        "slash",
        "filter",
        "Filter",
        "Show only some tubes: a text, a glob*, /a regular expression, ! in front inverts",
        show=True,
        display="/",
        priority=True,
    ),
    key("tubes", "g", "fold", "Group", "Fold the tubes that begin like this one into one row, or unfold"),
    key("tubes", "c", "columns", "Columns", "Choose the columns"),
    key("tubes", "s", "app.servers", "Servers", "All servers that you configured, at a glance"),
    key("tubes", "escape", "back", "Clear", "Take the marks away, then the filter", display="Esc"),
]

SERVERS = [
    key("servers", "enter", "open", "Open", "Look at the server under the cursor", show=True, display="⏎"),
]

CHOOSE = [
    key("choose", "enter", "done", "Done", "Show these columns", show=True, display="⏎", priority=True),
    key("choose", "escape", "cancel", "Cancel", "Leave the columns as they are", display="Esc"),
]

COMMAND = [
    key("command", "escape", "cancel", "Cancel", "Leave it", display="Esc"),
    key("command", "tab", "complete", "Complete", "Take what is proposed", priority=True),
    key("command", "up", "recall(-1)", "Earlier", "The command before", display="↑↓"),
    key("command", "down", "recall(1)", "Later"),
]

PALETTE = [
    key("palette", "escape", "cancel", "Cancel", "Leave it", display="Esc"),
    key("palette", "up", "move(-1)", "Up", "One up or down", display="↑↓"),
    key("palette", "down", "move(1)", "Down"),
]

BODY = [
    key("body", "up", "scroll_up", "Up", "One line up or down", display="↑↓"),
    key("body", "down", "scroll_down", "Down"),
    key("body", "pageup", "page_up", "Page up", "One page up or down", display="PgUp PgDn"),
    key("body", "pagedown,space", "page_down", "Page down"),
    key("body", "home", "scroll_home", "Top", "First or last line", display="Home End"),
    key("body", "end", "scroll_end", "Bottom"),
]

CONFIRM = [
    key("confirm", "y", "answer(True)", "Yes", "Do it"),
    key("confirm", "n,escape", "answer(False)", "No", "Leave everything as it is", display="Esc"),
    key("confirm", "left", "app.focus_previous", "Left", "The button to the left", display="←"),
    key("confirm", "right", "app.focus_next", "Right", "The button to the right", display="→"),
]

HELP = [
    key("help", "escape,question_mark,enter", "app.pop_screen", "Close", "Close the help", show=True, display="Esc"),
    key("help", "m", "manual", "Manual", "Read the manual", show=True),
]

MANUAL = [
    key("manual", "escape,q", "app.pop_screen", "Close", "Close the manual", show=True, display="Esc"),
    key(
        "manual",
        "pageup",
        "scroll_page(-1)",
        "Page up",
        "One page up or down",
        display="PgUp PgDn",
        show=True,
        priority=True,
    ),
    key("manual", "pagedown,space", "scroll_page(1)", "Page down", priority=True),
]

TUBE = [
    key("tube", "enter", "open", "Open", "Open the job under the cursor", show=True, display="⏎"),
    key(
        "tube", "slash", "filter", "Filter", "Show only jobs that contain a text", show=True, display="/", priority=True
    ),
    key("tube", "w", "where", "Where", "Find the jobs for which a SQL predicate is true", priority=True),
    key("tube", "s", "scan", "Scan", "Go on with the search for jobs, or stop it"),
    key("tube", "o", "order", "Order", "Begin anew with the oldest jobs, or with the newest"),
    key("tube", "t", "states", "State", "Show the jobs of the next state only, then those of all"),
    key(
        "tube",
        "equals_sign",
        "compare",
        "Compare",
        "Compare the job with the marked one, or the two marked",
        display="=",
    ),
]

JOB_SORT = [
    key("sort", "less_than_sign", "sort(-1)", "Sort", "Sort by the next column, or not at all", display="<>"),
    key("sort", "greater_than_sign", "sort(1)", "Sort right"),
    key("sort", "vertical_line", "reverse", "Reverse", "Turn the order round", display="|"),
]

UNDO = [key("undo", "u", "undo", "Undo", "Take back what the status line tells of", show=True)]

JOB = [
    key("job", "1", "show_as('data')", "Data", "The body decoded, as text", show=True),
    key("job", "2", "show_as('tree')", "Tree", "The body decoded, as a tree that folds", show=True),
    key("job", "3", "show_as('raw')", "Raw", "The body as it came, what is no text made visible", show=True),
    key("job", "4", "show_as('hex')", "Hex", "The body in hexadecimal", show=True),
    key("job", "d", "decoder", "Decoder", "Read the body with the next decoder that can", show=True),
    key("job", "y", "yank", "Copy", "Copy the body as it is shown to the clipboard of your terminal", show=True),
    key("job", "w", "save", "Save", "Save the body to a file"),
    key("job", "equals_sign", "compare", "Compare", "Compare with the marked job", display="="),
    key(
        "job", "n,right_square_bracket", "step(1)", "Next", "The next job of the list, or the one before", display="n N"
    ),
    key("job", "N,left_square_bracket", "step(-1)", "Previous"),
]

JOURNAL = [
    key("journal", "enter", "open", "Open", "The actions of the run under the cursor", show=True, display="⏎"),
    key("journal", "n", "page(1)", "Older", "Older runs, or back to newer ones", show=True, display="n N"),
    key("journal", "N", "page(-1)", "Newer"),
]

UNDO_RUN = [key("undo", "u", "undo", "Undo", "Take back what this run did", show=True)]

RUN = [
    key("run", "n", "page(1)", "Next", "The next actions of the run, or the ones before", show=True, display="n N"),
    key("run", "N", "page(-1)", "Previous"),
]

FORM = [
    key("form", "escape", "cancel", "Cancel", "Leave everything as it is", display="Esc"),
    key("form", "ctrl+s", "go_on", "Go on", "Take what was written", priority=True),
]

DRAFT = [
    key("form", "ctrl+o", "sample", "Sample", "Fill in the next sample, first those of this tube", priority=True),
    key("form", "ctrl+t", "keep", "Keep", "Keep this as a sample, as beanops sample does", priority=True),
]

PROGRESS = [key("progress", "escape", "cancel", "Cancel", "End it after the batch under way", display="Esc")]

TREE = [
    key("tree", "enter,space", "toggle_node", "Fold", "Fold or open what is under the cursor", display="⏎"),
    key("tree", "up", "cursor_up", "Up", "One line up or down", display="↑↓"),
    key("tree", "down", "cursor_down", "Down"),
    key("tree", "pageup", "page_up", "Page up", "One page up or down", display="PgUp PgDn"),
    key("tree", "pagedown", "page_down", "Page down"),
]


def keymap(chosen: Mapping[str, str], actions: Iterable[Binding]) -> dict[str, str]:
    """Return the user's key bindings as the toolkit takes them.

    Parameters
    ----------
    chosen : mapping
        Keys by the name of a binding, such as ``{"table.page-up": "ctrl+b,b"}``.
    actions : iterable of Binding
        The bindings of actions, which have names besides those of this module.

    Raises
    ------
    ConfigError
        No binding has such a name.
    """
    tables = [table for table in globals().values() if isinstance(table, list)]
    known = {binding.id for table in (*tables, actions) for binding in table if binding.id}
    for name in chosen:
        if name not in known:
            close = get_close_matches(name, known, 1)
            raise ConfigError(
                f"unknown key binding {name!r} in [keys]{f'; did you mean {close[0]!r}?' if close else ''}"
            )
    return dict(chosen)
