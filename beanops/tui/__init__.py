"""The terminal dashboard: shows what `Session` and `monitor` give, and asks `Session` to act.

What lives here: the app in two halves (`looking`, `app`) and what it knows of the server (`watch`); keys, offered
actions and typed commands as data (`keys`, `jobkeys`, `offers`, `tubeoffers`, `commands`); one module a screen
(`tubes`, `tube`, `job`, `compare`, `journal`, `servers`) or dialog (`dialogs`, `forms`, `choose`, `commandline`,
`palette`, `help`); and what they share (`view`, `acting`, `asked`, `table`, `drawn`, `entry`, `body`, `words`). `web`
serves it to browsers. Needs the extra ``beanops[tui]``; nobody imports it but the command line.
"""

import os

# Textual paints so many times a second at most: a key waits half of that for its turn, and 60 is felt over ssh.
os.environ.setdefault("TEXTUAL_FPS", "120")
