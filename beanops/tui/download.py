"""Files saved from the dashboard: on this machine, or by the browser when it is served as a page."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

from beanops import private
from beanops.text import plural, safe_text
from beanops.tui.host import Host


def save(host: Host, name: str, data: bytes) -> None:
    """Write a new file, or send it to the browser; report the result in the status line."""
    shown, size = safe_text(name, limit=60), plural(len(data), "byte")
    if host.is_web:
        # This machine is not the visitor's: nothing is written here.
        host.deliver_binary(io.BytesIO(data), save_filename=Path(name).name)
        host.say(f"sent {size} to the browser as {shown}")
        return
    try:
        _write(Path(name).expanduser(), data)
    except FileExistsError:
        host.say(f"{shown} already exists; nothing written", False)
    except (OSError, RuntimeError) as error:  # `expanduser` found no such user
        host.say(f"cannot write {shown}: {safe_text(getattr(error, 'strerror', None) or str(error))}", False)
    else:
        host.say(f"saved {size} to {shown}")


def _write(path: Path, data: bytes) -> None:
    with private.create(path) as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            # A partial file would look complete.
            with suppress(OSError):
                path.unlink()
            raise
