"""What holds of causes whatever bodies and messages are: tried with random ones."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from beanops.jobs.bodies import Reader, decode
from beanops.jobs.bodies.errors import find_error
from beanops.jobs.causes import Causes
from beanops.jobs.causes.normaliser import Normaliser, normalise
from beanops.jobs.causes.outer import read_outer
from tests.jobs.causes import corpus
from tests.jobs.causes.values import Values, words

KEYS = st.sampled_from(
    words(
        "error exception message class type code status title reason errors failure displayName job task data body "
        "payload headers last_error exc_info success attempts id user items"
    )
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["failed", "App\\Jobs\\Pay", "card 4711 declined", "ConnectionRefusedError", "1234567890" * 2]),
    st.builds(json.dumps, st.dictionaries(KEYS, st.text(max_size=20), max_size=3)),
    st.binary(min_size=12, max_size=40).map(lambda data: base64.b64encode(data).decode()),
)
SCALARS = st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none())
NAMES = st.one_of(KEYS, st.text(max_size=8))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=25,
)
#: Messages that are made of words that the rules know, digits, and anything.
MESSAGES = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.one_of(
            st.sampled_from(
                words(
                    "Order user customer code error status Errno HTTP HTTP/1.1 SQLSTATE[42S02] Anna Maria Kunde of "
                    "\"x\" 'id' ' \" (404) 503 404 Not Found 0x1f UTF-8 E11000 10.0.0.1:53 2026-01-31 12:00 "
                    '{"code": 7} <ann@example.com> id # SELECT 1 FROM t v1.2 3 MB 12ms after <n> <<n> de '
                    "https://example.com/7 /srv/a/7 retry ISO-8859-1 ISO-1234-5 utf8mb4 x86_64 status=503 [500]"
                )
            ),
            st.integers(0, 10**10).map(str),
            st.from_regex(r"[A-Za-z0-9_.:/-]{1,24}", fullmatch=True),
        ),
        max_size=12,
    ).map(" ".join),
)


@given(DATA.filter(lambda data: isinstance(data, dict | list)))
@example({"message": {"error": "1"}, "error": {"error": "", "errors": '{"error":"00"}'}})
@example([-(2**63) - 1])
@example({"exception": [-(10**19), ":"]})
def test_reading_the_outer_json_comes_to_the_same_as_decoding(data: Any) -> None:
    body = json.dumps(data).encode()
    causes = Causes(Reader())
    assert causes.of(body) == causes._of_decoded(decode(body), body)
    outer = read_outer(body)
    if outer is not None:
        assert outer.error == find_error(decode(body).data)


@given(st.lists(MESSAGES, max_size=30), st.integers(0, 4), st.randoms(use_true_random=False))
def test_neither_order_nor_memory_changes_a_message(messages: list[str], most: int, random: Random) -> None:
    expected = {message: normalise(message) for message in messages}
    for normaliser in (Normaliser(0), Normaliser(most), Normaliser()):
        for _ in range(2):
            random.shuffle(messages)
            assert {message: normaliser.normalise(message) for message in messages} == expected


@given(DATA.filter(lambda data: isinstance(data, dict | list)), st.randoms(use_true_random=False))
def test_bodies_that_differ_in_digits_do_not_disturb_each_other(data: Any, random: Random) -> None:
    text = json.dumps(data)
    causes = Causes(Reader())
    for _ in range(4):
        body = "".join(random.choice("0123456789") if one in "0123456789" else one for one in text).encode()
        assert causes.of(body) == causes._of_decoded(decode(body), body)
        body = text.encode()
        assert causes.of(body) == causes._of_decoded(decode(body), body)


@given(MESSAGES, st.randoms(use_true_random=False))
def test_messages_that_differ_in_digits_do_not_disturb_each_other(message: str, random: Random) -> None:
    others = ["".join(random.choice("0123456789") if one in "0123456789" else one for one in message) for _ in range(3)]
    normaliser = Normaliser()
    for one in [message, *others, message, *others]:
        assert normaliser.normalise(one) == normalise(one)


@given(st.integers(0, 2**32), st.sampled_from(sorted(corpus.CAUSES)))
def test_the_same_cause_is_the_same_group_whatever_the_ids(seed: int, cause: str) -> None:
    random = Random(seed)
    causes = Causes(Reader())
    made = [template.format_map(Values(random)) for template in corpus.CAUSES[cause] * 3]
    assert len({causes.of(json.dumps({"error": message}).encode()).name for message in made}) == 1


CLASSES = st.from_regex(r"[A-Z][a-z]{2,8}(?:\\[A-Z][a-z]{2,8}){0,2}(?:Error|Exception)", fullmatch=True)


@given(CLASSES, CLASSES, MESSAGES)
def test_different_classes_of_errors_are_different_groups(first: str, second: str, message: str) -> None:
    causes = Causes(Reader())
    names = {
        causes.of(json.dumps({"job": "Pay", "error": {"class": name, "message": message}}).encode()).name
        for name in (first, second)
    }
    assert len(names) == len({first, second})


@given(MESSAGES)
def test_a_message_is_one_short_line_without_what_terminals_obey(message: str) -> None:
    shown = normalise(message)
    assert len(shown) <= 300
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE300 for one in shown)
