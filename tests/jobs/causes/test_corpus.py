"""How many groups a thousand messages of twenty causes make, and how many are in a wrong one."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Causes
from tests.jobs.causes import corpus, held_out


class Grouping(NamedTuple):
    """How messages were grouped.

    Attributes
    ----------
    groups : int
        Number of groups.
    merged : int
        Messages in a group that is of another cause: one with more messages there.
    split : int
        Causes in more than one group.
    """

    groups: int
    merged: int
    split: int


def grouping(messages: Iterable[tuple[str, str]]) -> Grouping:
    causes = Causes(Reader())
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for cause, message in messages:
        groups[causes.of(json.dumps({"job": "Ship", "error": message}).encode()).name][cause] += 1
    merged = sum(inside.total() - max(inside.values()) for inside in groups.values())
    where = Counter(cause for inside in groups.values() for cause in inside)
    return Grouping(len(groups), merged, sum(count > 1 for count in where.values()))


def test_a_thousand_messages_of_twenty_causes_are_twenty_groups() -> None:
    made = corpus.messages()
    assert (len(made), len({message for _, message in made})) == (1000, 998)
    assert grouping(made) == Grouping(groups=20, merged=0, split=0)


def test_of_messages_that_the_rules_were_not_made_for_a_word_that_varies_splits_causes() -> None:
    """Nothing tells the name of a plugin, or of a thing with a number behind it, from a word that is the cause."""
    made = held_out.messages()
    by_words = {"version", "mysql: lock wait", "mysql: gone away"}
    others = [(cause, message) for cause, message in made if cause not in by_words]
    assert grouping(others) == Grouping(groups=17, merged=0, split=0)
    assert grouping(made) == Grouping(groups=53, merged=0, split=3)
