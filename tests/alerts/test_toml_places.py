"""Places in a TOML file: each key and each character of a text is where the file has it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from beanops.alerts.toml_places import Place, Places, TomlPath

FILE = '''\
# a comment with [brackets] and "quotes"
interval = "10s"   # another = comment
servers = [
    "prod",  # the first ]
    'sta#ging',
]

[labels]
site."east side".room = 1
when = 2026-12-01T20:00:00Z

[[rule]]
name = "backlog"
when = """
ready > 1000
  and tube = 'm\\u00e4il'
"""

[[rule]]
name = 'buried'
when = "buried > 0 and tube = \\"a\\tb\\""
labels = { team = "mail", "odd key" = [1, [2, 3]], deep = { er = true } }
  [[rule.silence]]
  daily = "22:00-06:00"

[notifiers."the pager"]
type = "webhook"
headers = { X = """"quoted"""" }
'''


def paths(value: Any, path: TomlPath = ()) -> list[TomlPath]:
    """Return the paths of all values in what `tomllib` has read."""
    if isinstance(value, dict):
        inner = [((*path, key), one) for key, one in value.items()]
    else:
        inner = [((*path, number), one) for number, one in enumerate(value)] if isinstance(value, list) else []
    return [found for below, one in inner for found in [below, *paths(one, below)]]


@pytest.mark.parametrize("file", [FILE, FILE.replace("\n", "\r\n")], ids=["LF", "CR LF"])
def test_each_value_has_a_place(file: str) -> None:
    places = Places(file)
    lines = FILE.splitlines()
    for path in paths(tomllib.loads(file)):
        line, column = places.of(path)
        shown = lines[line - 1][column - 1 :]
        key = path[-1]
        assert shown.startswith((str(key), f'"{key}"', "[", '"', "'", "site", "1", "2", "3")), (path, shown)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("interval",), Place(2, 1)),
        (("servers", 1), Place(5, 5)),
        (("labels", "site", "east side", "room"), Place(9, 1)),
        (("rule", 0), Place(12, 1)),
        (("rule", 1), Place(19, 1)),
        (("rule", 1, "labels", "deep", "er"), Place(22, 61)),
        (("rule", 1, "silence", 0, "daily"), Place(24, 3)),
        (("notifiers", "the pager", "type"), Place(27, 1)),
        (("rule", 1, "name", "missing"), Place(20, 1)),
        (("nothing",), Place(1, 1)),
    ],
)
def test_a_key_has_its_place(path: TomlPath, place: Place) -> None:
    assert Places(FILE).of(path) == place


def test_each_character_of_a_text_has_its_place() -> None:
    places, lines = Places(FILE), FILE.splitlines()
    for number in (0, 1):
        text = tomllib.loads(FILE)["rule"][number]["when"]
        for at, character in enumerate(text):
            line, column = places.within(("rule", number, "when"), at)
            written = [*lines[line - 1], "\n"][column - 1]
            assert written in (character, "\\")


def test_a_character_of_what_is_no_text_has_the_place_of_its_key() -> None:
    assert Places(FILE).within(("labels", "when"), 3) == Place(10, 1)
