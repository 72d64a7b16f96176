"""The terminal dashboard: it shows a server through `Session` and `beanops.monitor`, and acts through `Session`.

From the top: `app` opens the `screens`; screens open `dialogs`, and see the app as `host.Host`; `jobs` finds and counts
jobs; `refresh` asks the server; `widgets` and `actions` know no screen; `keys`, `theme`, `state`, `terminal`, `bodies`
and `tubes` know no widget. `web` serves the dashboard to browsers. Needs the extra ``beanops[tui]``; only the command
line imports it.
"""

import os

# Maximum frames per second of Textual: a key waits half a frame, which at 60 is noticeable over ssh.
os.environ.setdefault("TEXTUAL_FPS", "120")
