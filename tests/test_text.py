"""What a reader sees of text that somebody else wrote."""

from __future__ import annotations

import doctest
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import beanops.text
from beanops.text import safe_text

# Arabic number signs and their like: format characters that are drawn.
VISIBLE_FORMAT = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain text, 100 %", "plain text, 100 %"),
        ("naïve 東京 🎉", "naïve 東京 🎉"),
        ("App\\Jobs\\Send", "App\\Jobs\\Send"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;cm0gLXJm\x07", "\\x1b]52;c;cm0gLXJm\\x07"),
        ("\x9b31m\x90\x7f\x00", "\\x9b31m\\x90\\x7f\\x00"),
        ("invoice\u202egnp.exe", "invoice\\u202egnp.exe"),
        ("\u2066a\u2069\u061c", "\\u2066a\\u2069\\u061c"),
        ("pay\u200bpal\ufeff\u00ad\u2060", "pay\\u200bpal\\ufeff\\xad\\u2060"),
        ("a\u2028b\u2029c\u0085", "a\\u2028b\\u2029c\\x85"),
        ("\ud800 \udfff", "\\ud800 \\udfff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("two\r\nlines\tand a tab", "two\\r\\nlines\\tand a tab"),
        ("[/x] [@click=app.quit] <script>alert(1)</script>", "[/x] [@click=app.quit] <script>alert(1)</script>"),
    ],
)
def test_hidden_characters_become_visible(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_lines_and_tabs_stay_where_they_are_wanted() -> None:
    assert safe_text("a\r\nb\tc\rd\x1b", multiline=True) == "a\nb\tc\\rd\\x1b"


def test_no_control_format_or_separator_character_passes() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in VISIBLE_FORMAT:
            assert safe_text(chr(code)).startswith("\\"), hex(code)


def test_a_cut_says_how_long_the_text_was() -> None:
    assert safe_text("x" * 12_345, limit=30) == "x" * 15 + "…[12,345 chars]"
    assert safe_text("x" * 30, limit=30) == "x" * 30
    assert safe_text("x" * 31, limit=5) == "xxxx…"
    assert safe_text("abc", limit=0) == ""


@given(st.text(st.characters()), st.booleans(), st.integers(0, 60))
def test_any_text_comes_out_printable_and_within_its_length(text: str, multiline: bool, limit: int) -> None:
    for shown in (safe_text(text, multiline=multiline), safe_text(text, multiline=multiline, limit=limit)):
        shown.encode()
        assert not any(
            unicodedata.category(character) in ("Cc", "Cs") for character in shown if character not in "\n\t"
        )
        assert multiline or not set(shown) & {"\n", "\t"}
        assert safe_text(shown, multiline=multiline) == shown
    assert len(safe_text(text, multiline=multiline, limit=limit)) <= limit


def test_the_examples_of_the_documentation_are_true() -> None:
    assert doctest.testmod(beanops.text).failed == 0
