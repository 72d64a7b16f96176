"""The terminal dashboard: shows what `Session` and `monitor` give, and asks `Session` to act.

What lives here: the app (`app`), what it knows of the server (`watch`), keys and offered actions as data (`keys`,
`offers`), one module a screen (`tubes`, `tube`, `record`, `dialogs`, `help`) and what they share (`view`, `table`,
`columns`, `body`, `words`). Needs the extra ``beanops[tui]``; nobody imports it but the command line.
"""
