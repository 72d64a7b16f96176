"""Pictures of live views for notebooks that are read without a kernel: what their snapshots show on a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from PIL import Image

from tests.needs import chromium
from tests.notebook.bare import BarePage
from tests.notebook.lab import headless

#: Pixels that a view is wide, and pixels of the picture for each of these.
WIDTH, SCALE = 1000, 1.5
#: Pixels of a view that a picture shows at most; a long table goes on below.
HEIGHT = 700
#: Milliseconds until a view has drawn its snapshot. After two seconds it says that no kernel answers.
_DRAWN = 900


class SavedView(NamedTuple):
    """The widget of a view as a kernel left it: its model, its state, and its buffers with their paths."""

    model: str
    state: Mapping[str, Any]
    buffers: Sequence[tuple[Sequence[str], str]]


class _PicturePage(BarePage):
    def picture(self, view: SavedView) -> bytes:
        """Return the picture of a saved view."""
        self._open()
        self._place(view.model, (dict(view.state), list(view.buffers)))
        self.page.wait_for_timeout(_DRAWN)
        place = self.page.locator(".bare-output").first
        height = min(place.bounding_box()["height"], HEIGHT)
        return bytes(self.page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": height}))


def pictures(views: Sequence[SavedView]) -> list[bytes]:
    """Return a picture of each view, in few colours."""
    program = chromium()
    if program is None:
        raise SystemExit("chromium is not installed, and the pictures of live views need it")
    with headless(program) as browser:
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
        page = _PicturePage(tab, "light", "jupyterlab")
        return [_packed(page.picture(view)) for view in views]


def output_of(picture: bytes, text: str) -> dict[str, Any]:
    """Return the picture of a view as the data of an output, with its text for readers without pictures."""
    return {"image/png": base64.b64encode(picture).decode(), "text/plain": text}


def _packed(picture: bytes) -> bytes:
    packed = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        packed, "png", optimize=True
    )
    return packed.getvalue()
