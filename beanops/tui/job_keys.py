"""The keys of the screens about jobs and actions, as data. Those of the others are in `keys`, of actions: `offers`."""

from __future__ import annotations

from beanops.tui.keys import key

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

SORT = [
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
