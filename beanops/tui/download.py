"""Files that leave the dashboard: beside the user where it runs in a terminal, to the browser where it is a page."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from beanops import private
from beanops.text import plural, safe_text

if TYPE_CHECKING:
    from beanops.tui.app import Dashboard


def save(app: Dashboard, name: str, data: bytes) -> None:
    """Write a file that is not there yet, or have the browser keep it; say what came of that."""
    shown, size = safe_text(name, limit=60), plural(len(data), "byte")
    if app.is_web:
        # The machine that this runs on is not the visitor's: nothing is written there.
        app.deliver_binary(io.BytesIO(data), save_filename=Path(name).name)
        app.say(f"sent {size} to the browser as {shown}")
        return
    try:
        _write(Path(name).expanduser(), data)
    except FileExistsError:
        app.say(f"{shown} exists already; nothing was written", False)
    except (OSError, RuntimeError) as error:  # `expanduser` knows no such user
        app.say(f"{shown} was not written: {safe_text(getattr(error, 'strerror', None) or str(error))}", False)
    else:
        app.say(f"saved {size} to {shown}")


def _write(path: Path, data: bytes) -> None:
    with private.create(path) as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            # Half a body would pass for a whole one.
            with suppress(OSError):
                path.unlink()
            raise
