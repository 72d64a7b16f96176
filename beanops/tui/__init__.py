"""The terminal dashboard: shows what `Session` and `monitor` give, and asks `Session` to act.

What lives here: the app (`app`), what it knows of the server (`watch`), keys and offered actions as data (`keys`,
`offers`), one module a screen (`tubes`, `tube`, `job`, `journal`, `dialogs`, `forms`, `help`) and what they share
(`view`, `acting`, `table`, `body`, `words`). Needs the extra ``beanops[tui]``; nobody imports it but the command line.
"""

import os

# Textual paints so many times a second at most: a key waits half of that for its turn, and 60 is felt over ssh.
os.environ.setdefault("TEXTUAL_FPS", "120")
