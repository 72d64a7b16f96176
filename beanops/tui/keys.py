"""The key bindings, as data: footer and help are made from them, and the user's `[keys]` can change them.

A key means the same on all screens: it may be absent from one, never different. Dialogs that ask for a text or an
answer have few keys of their own. The keys of actions are in `beanops.ui.actions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.binding import Binding

from beanops.session.config import ConfigError
from beanops.text import did_you_mean
from beanops.ui.actions import CATALOGUE


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
    """Return a binding, named by its scope and label, such as ``table.page-up``.

    Without `help` it shares the help line of the binding before it. With `priority` it runs before the next key is
    dispatched, which may be for the dialog that it opens.
    """
    name = f"{scope}.{label.lower().replace(' ', '-')}"
    return Binding(keys, action, label, show=show, key_display=display, priority=priority, tooltip=help, id=name)


APP = [
    key("app", "question_mark", "app.help", "Help", "Show the keys of this screen", show=True, display="?"),
    key("app", "f1", "app.manual", "Manual", "Read the manual, at the page about this screen", display="F1"),
    key("app", "a", "app.record", "Actions", "Show the journal: actions on this server and their outcomes", show=True),
    key(
        "app",
        "exclamation_mark",
        "app.problems",
        "Problems",
        "Show the problems of the server and its tubes",
        show=True,
        display="!",
    ),
    key("app", "A", "app.alerts", "Alerts", "Show the alerts that fire, as beanops alert reports them"),
    key("app", "s", "app.servers", "Servers", "Show all configured servers"),
    key("app", "T", "app.all_tubes", "All tubes", "Show the tubes of all configured servers, the worst first"),
    key("app", "f", "app.freeze", "Freeze", "Pause or resume updates"),
    key("app", "plus", "app.interval(1)", "Slower", "Longer or shorter refresh interval", display="+ -"),
    key("app", "minus", "app.interval(-1)", "Faster"),
    key("app", "colon", "app.command", "Do", "Type a command; Tab completes it", display=":"),
    key("app", "ctrl+p", "app.palette", "Palette", "Search keys, commands and tubes"),
    key("app", "S", "app.screenshot", "Screenshot", "Save a picture of the screen"),
    key("app", "f5", "app.refresh", "Refresh", "Refresh now; reconnect if the server is lost", display="F5"),
    key("app", "q", "app.quit", "Quit", "Quit; jobs that you reserved become ready again", show=True),
    key(
        "app",
        "ctrl+z",
        "app.suspend_process",
        "Suspend",
        "Return to the shell until fg; reserved jobs may time out",
        display="^z",
        priority=True,
    ),
    key("app", "ctrl+q,ctrl+c", "app.quit", "Quit anywhere", "Quit, also from a dialog", display="^c", priority=True),
]

#: In place of freezing and of the refresh interval.
REPLAY = [
    key("replay", "f", "app.play", "Play", "Play or pause the recording", show=True),
    key("replay", "plus", "app.speed(1)", "Faster", "Play faster or slower", display="+ -"),
    key("replay", "minus", "app.speed(-1)", "Slower"),
    key("replay", "left", "app.skip(-60)", "Back", "One minute back or forward", display="← →", priority=True),
    key("replay", "right", "app.skip(60)", "Forward", priority=True),
    key("replay", "shift+left", "app.skip(-3600)", "Hour back", "One hour back or forward", display="⇧← ⇧→"),
    key("replay", "shift+right", "app.skip(3600)", "Hour forward"),
    key("replay", "at", "app.jump", "Jump", "Jump to a time", show=True, display="@", priority=True),
    key(
        "replay",
        "right_curly_bracket",
        "app.to_problem(1)",
        "Next problem",
        "Jump to where the next or previous problem begins",
        display="} {",
    ),
    key("replay", "left_curly_bracket", "app.to_problem(-1)", "Previous problem"),
]

BACK = [key("back", "escape", "back", "Back", "Go back one level", display="Esc")]

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
    key("sort", "vertical_line", "reverse", "Reverse", "Reverse sort order", display="|"),
]

SELECTION = [
    key("selection", "space", "select_row", "Select", "Select or deselect the row", show=True, display="␣"),
    key(
        "selection",
        "full_stop,ctrl+space,ctrl+@",
        "select_range",
        "Select to here",
        "Select from the last selected row to here",
        display=".",
    ),
    key(
        "selection",
        "asterisk",
        "select_all",
        "Select all",
        "Select all rows that pass the filter, or none",
        display="*",
    ),
]

TUBES = [
    key("tubes", "enter", "open", "Open", "Open the tube under the cursor", show=True, display="⏎"),
    key(
        "tubes",
        "slash",
        "filter",
        "Filter",
        "Filter tubes: text, glob*, /regular expression, !inverse",
        show=True,
        display="/",
        priority=True,
    ),
    key("tubes", "g", "fold", "Group", "Fold tubes with the same prefix into one row, or unfold"),
    key("tubes", "C", "columns", "Columns", "Choose the columns"),
    key("tubes", "escape", "back", "Clear", "Clear selection, then the filter", display="Esc"),
]

PREVIEW = [key("preview", "i", "preview", "Preview", "Show or hide the preview of what is under the cursor")]

SERVERS = [
    key("servers", "enter", "open", "Open", "Switch to the server under the cursor", show=True, display="⏎"),
]

ALL_TUBES = [
    key("all", "enter", "open", "Open", "Go to the tube on its server", show=True, display="⏎"),
    key(
        "all",
        "slash",
        "filter",
        "Filter",
        "Filter tubes and servers: text, glob*, /regular expression, !inverse",
        show=True,
        display="/",
        priority=True,
    ),
]

PROBLEMS = [
    key("problems", "enter", "open", "Open", "Go to the tube or job of the problem", show=True, display="⏎"),
]

ALERTS = [
    key("alerts", "enter", "open", "Open", "Go to the tube or server of the alert", show=True, display="⏎"),
]

CHOOSE = [
    key("choose", "enter", "done", "Done", "Show these columns", show=True, display="⏎", priority=True),
    key("choose", "escape", "cancel", "Cancel", "Keep the current columns", display="Esc"),
]

COMMAND = [
    key("command", "escape", "cancel", "Cancel", "Close", display="Esc"),
    key("command", "tab", "complete", "Complete", "Accept the first completion", priority=True),
    key("command", "up", "recall(-1)", "Earlier", "Previous or next command", display="↑↓"),
    key("command", "down", "recall(1)", "Later"),
]

WHERE = [
    key("where", "enter", "accept", "Find", "Find the jobs that match", display="⏎", priority=True),
    key("where", "escape", "cancel", "Cancel", "Cancel", display="Esc"),
    key("where", "tab", "complete", "Complete", "Complete a column, path or value", display="Tab", priority=True),
    key("where", "up", "recall(-1)", "Earlier", "Earlier, saved and completed predicates", display="↑↓", priority=True),
    key("where", "down", "recall(1)", "Later", priority=True),
    key("where", "ctrl+s", "save", "Save", "Save under a name", display="^s", priority=True),
    key(
        "where", "ctrl+r", "forget", "Forget", "Remove the chosen predicate from the list", display="^r", priority=True
    ),
]

JOB_COLUMNS = [
    *CHOOSE,
    key(
        "choose", "tab,shift+tab", "switch", "Path", "Go to the entry of a path, or back", display="Tab", priority=True
    ),
    key("choose", "ctrl+r", "automatic", "Automatic", "Show what differs from job to job", display="^r", priority=True),
]

PALETTE = [
    key("palette", "escape", "cancel", "Cancel", "Close", display="Esc"),
    key("palette", "up", "move(-1)", "Up", "One line up or down", display="↑↓"),
    key("palette", "down", "move(1)", "Down"),
]

BODY = [
    key("body", "up", "scroll_up", "Up", "One line up or down", display="↑↓"),
    key("body", "down", "scroll_down", "Down"),
    key("body", "pageup", "page_up", "Page up", "One page up or down", display="PgUp PgDn"),
    key("body", "pagedown", "page_down", "Page down"),
    key("body", "home", "scroll_home", "Top", "First or last line", display="Home End"),
    key("body", "end", "scroll_end", "Bottom"),
]

CONFIRM = [
    key("confirm", "y", "answer(True)", "Yes", "Confirm"),
    key("confirm", "n,escape", "answer(False)", "No", "Cancel", display="Esc"),
    key("confirm", "left", "app.focus_previous", "Left", "The button to the left", display="←"),
    key("confirm", "right", "app.focus_next", "Right", "The button to the right", display="→"),
]

HELP = [
    key("help", "escape,question_mark", "app.pop_screen", "Close", "Close the help", show=True, display="Esc"),
    key("help", "f1", "manual", "Manual", "Read the manual", show=True, display="F1"),
]

MANUAL = [
    key("manual", "escape", "app.pop_screen", "Close", "Close the manual", show=True, display="Esc"),
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
    key("manual", "pagedown", "scroll_page(1)", "Page down", priority=True),
]

TUBE = [
    key("tube", "enter", "open", "Open", "Open the job under the cursor", show=True, display="⏎"),
    key("tube", "slash", "filter", "Filter", "Filter jobs by text", show=True, display="/", priority=True),
    key("tube", "w", "where", "Where", "Find jobs by a SQL predicate", priority=True),
    key("tube", "L", "tail", "Live", "Show jobs as they are put, on top, or stop it"),
    key("tube", "C", "columns", "Columns", "Choose the columns, paths into bodies among them"),
    key("tube", "m", "scan", "More", "Continue or stop the search for jobs"),
    key("tube", "o", "order", "Order", "Search from the oldest jobs, or from the newest"),
    key("tube", "t", "states", "State", "Show the next tab: jobs of one state, or of all"),
    key("tube", "G", "groups", "Groups", "Show the groups of jobs by cause", show=True),
    key("tube", "F", "facets", "Facets", "Show the values in the bodies of the jobs", show=True),
    key("tube", "h", "span", "Window", "Show 5 minutes, an hour or all that is known in the charts"),
    key(
        "tube",
        "equals_sign",
        "compare",
        "Compare",
        "Compare with the selected job, or the two selected jobs",
        display="=",
    ),
]

_UNDO = CATALOGUE["undo"]
UNDO = [key("undo", _UNDO.key, "undo", _UNDO.label, "Undo the last action", show=True)]

#: How a body is shown and taken away, on all screens that have one.
FORMS = [
    key("job", "1", "show_as('data')", "Data", "Show the decoded body as text", show=True),
    key("job", "2", "show_as('tree')", "Tree", "Show the decoded body as a tree", show=True),
    key("job", "3", "show_as('raw')", "Raw", "Show the body as received, other bytes escaped", show=True),
    key("job", "4", "show_as('hex')", "Hex", "Show the body in hexadecimal", show=True),
    key("job", "d", "decoder", "Decoder", "Decode the body with the next matching decoder", show=True),
    key("job", "y", "yank", "Copy", "Copy the shown body to the clipboard of your terminal", show=True),
    key("job", "Y", "save", "Save", "Save the body to a file"),
]

JOB = [
    *FORMS,
    key("job", "equals_sign", "compare", "Compare", "Compare with the selected job", display="="),
    key("job", "G", "groups", "Groups", "List the other jobs with this error", show=True),
    key("job", "tab", "app.focus_next", "Pane", "Next or previous pane", display="⇥ ⇧⇥"),
    key("job", "shift+tab", "app.focus_previous", "Pane before"),
    key("job", "n", "step(1)", "Next", "Next or previous job of the list", display="n N"),
    key("job", "N", "step(-1)", "Previous"),
]

#: Beside a list the footer has no room for them.
BODY_FORMS = [replace(one, show=False) for one in FORMS]

JOURNAL = [
    key("journal", "enter", "open", "Open", "Show the actions of the run under the cursor", show=True, display="⏎"),
    key("journal", "n", "page(1)", "Next", "Next page, of older runs, or previous page", show=True, display="n N"),
    key("journal", "N", "page(-1)", "Previous"),
]

UNDO_RUN = [key("undo", _UNDO.key, "undo", _UNDO.label, "Undo this run", show=True)]

RUN = [
    key("run", "n", "page(1)", "Next", "Next or previous page of the run", show=True, display="n N"),
    key("run", "N", "page(-1)", "Previous"),
]

FORM = [
    key("form", "escape", "cancel", "Cancel", "Cancel", display="Esc"),
    key("form", "ctrl+s", "go_on", "Go on", "Accept the input", priority=True),
]

DRAFT = [
    key(
        "form", "ctrl+l", "sample", "Sample", "Fill in the next sample; samples of this tube come first", priority=True
    ),
    key("form", "ctrl+o", "each_line", "Each line", "Put one job for each line, or one for all", priority=True),
    key("form", "ctrl+t", "keep", "Keep", "Save as a sample, as `beanops sample` does", priority=True),
]

EDIT = [
    key("edit", "escape", "cancel", "Cancel", "Cancel; a changed text asks for it twice", display="Esc"),
    key("edit", "ctrl+s", "go_on", "Difference", "Show the difference, and confirm it", display="^s", priority=True),
    key("edit", "f4", "editor", "Editor", "Edit in $VISUAL or $EDITOR", display="F4", priority=True),
]

PROGRESS = [key("progress", "escape", "cancel", "Cancel", "Stop after the current batch", display="Esc")]

WAVES = [
    key("waves", "y,enter", "answer(True)", "Go on", "Kick the next wave", display="y"),
    key("waves", "n,escape", "answer(False)", "Stop", "Stop, or close at the end", display="n Esc"),
]

TREE = [
    key("tree", "enter", "toggle_node", "Fold", "Fold or unfold the node under the cursor", display="⏎"),
    key("tree", "up", "cursor_up", "Up", "One line up or down", display="↑↓"),
    key("tree", "down", "cursor_down", "Down"),
    key("tree", "pageup", "page_up", "Page up", "One page up or down", display="PgUp PgDn"),
    key("tree", "pagedown", "page_down", "Page down"),
]


def by_name(actions: Iterable[Binding] = ()) -> dict[str, Binding]:
    """Return the bindings of this module, and those of actions, by name."""
    tables = [table for table in globals().values() if isinstance(table, list)]
    return {binding.id: binding for table in (*tables, actions) for binding in table if binding.id}


def default_key(name: str) -> str:
    """Return how the key of a binding is shown where the user has not changed it.

    Examples
    --------
    >>> default_key("tube.more"), default_key("form.go-on")
    ('m', '^s')
    """
    binding = by_name()[name]
    return binding.key_display or binding.key.partition(",")[0].replace("ctrl+", "^")


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
    known = by_name(actions)
    for name in chosen:
        if name not in known:
            raise ConfigError(f"unknown key binding {name!r} in [keys]{did_you_mean(name, known)}")
    return dict(chosen)
