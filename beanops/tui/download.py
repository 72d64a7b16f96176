"""Files that leave the dashboard: beside the user where it runs in a terminal, to the browser where it is a page."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

from beanops import private
from beanops.text import plural, safe_text
from beanops.tui.host import Host


def save(host: Host, name: str, data: bytes) -> None:
    """Write a file that is not there yet, or have the browser keep it; say what came of that."""
    shown, size = safe_text(name, limit=60), plural(len(data), "byte")
    if host.is_web:
        # The machine that this runs on is not the visitor's: nothing is written there.
        host.deliver_binary(io.BytesIO(data), save_filename=Path(name).name)
        host.say(f"sent {size} to the browser as {shown}")
        return
    try:
        _write(Path(name).expanduser(), data)
    except FileExistsError:
        host.say(f"{shown} exists already; nothing was written", False)
    except (OSError, RuntimeError) as error:  # `expanduser` knows no such user
        host.say(f"{shown} was not written: {safe_text(getattr(error, 'strerror', None) or str(error))}", False)
    else:
        host.say(f"saved {size} to {shown}")


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
