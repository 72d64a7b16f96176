"""The program of a visitor's process: the dashboard of one server, as the visitor's role allows.

``python -m beanops.tui.web.visitor JSON`` takes what `main` takes. Standard input and output are the browser.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from beanops.protocol.errors import BeanopsError
from beanops.session.reaching import give_environment
from beanops.session.web_access import ROLES
from beanops.text import safe_text
from beanops.tui.app import run


def main(address: str, *, role: str, name: str, actor: str, interval: float, redact: Sequence[str] = ()) -> int:
    """Show the dashboard until the visitor quits, and return the exit code.

    Parameters
    ----------
    address : str
        As in `beanops.connect`.
    role : str
        A key of `ROLES`.
    name : str
        Who the visitor is, for the header; empty where nobody logs in.
    actor : str
        Who acts, for the journal.
    interval : float
        Refresh interval in seconds.
    redact : sequence of str
        Patterns of keys in bodies whose values are hidden.
    """
    allowed = ROLES[role]
    give_environment(address)
    try:
        return run(
            address,
            read_only=allowed.read_only,
            interval=interval,
            redact=redact,
            visitor=allowed,
            signed_in=name,
            actor=actor,
        )
    except BeanopsError as error:
        print(f"beanops: {safe_text(str(error), limit=300)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(**json.loads(sys.argv[1])))
