"""A view finds out whether the page around it is light, dark or of high contrast, and can be read on each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from beanops.session.session import Session
from beanops.ui import palette
from tests.notebook.bare import BarePage, Host, Theme, bare_page

SCHEMES: dict[Theme, str] = {"light": "light", "dark": "dark", "high contrast": "contrast"}
PALETTES = {"light": palette.LIGHT, "dark": palette.DARK, "contrast": palette.CONTRAST}


def colour(bare: BarePage, property: str) -> tuple[float, ...]:
    """Return a colour of the view as the page resolves it."""
    text = bare.page.evaluate(
        """(property) => {
          const probe = document.createElement("i");
          const found = (root) => root?.querySelector(".beanops");
          (found(document) ?? found(document.querySelector(".bare-output").shadowRoot)).append(probe);
          probe.style.color = `var(${property})`;
          const { color } = getComputedStyle(probe);
          probe.remove();
          return color;
        }""",
        property,
    )
    return tuple(float(part) for part in re.findall(r"[\d.]+", text)[:3])


def luminance(colour: tuple[float, ...]) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("host", ["bare", "jupyterlab", "marimo", "vscode", "colab"])
def test_it_follows_the_page_and_can_be_read(browser: Any, server: Session, host: Host) -> None:
    server.put(b'{"user": 1}', tube="mail")
    server.bury([1])
    with server.dashboard() as view, bare_page(browser, view, host=host, width=620) as bare:
        bare.row(0, "mail").click()
        bare.row(1, "1").wait_for()
        for theme, scheme in SCHEMES.items():
            bare.wear(theme)
            bare.page.locator(f".beanops[data-scheme={scheme}]").wait_for()
            ground = colour(bare, "--b-ground")
            assert (luminance(ground) > 0.5) == (scheme == "light")
            # The system's own colours replace text in states' colours.
            names = () if theme == "high contrast" and host in ("bare", "marimo", "colab") else PALETTES[scheme]
            assert contrast(colour(bare, "--b-ink"), ground) >= 7, theme
            for property in ("--b-dim", *(f"--b-{name}" for name in names)):
                assert contrast(colour(bare, property), ground) >= 4.5, (theme, property)
            bare.picture(f"{host} {theme}")
        assert bare.errors == []
