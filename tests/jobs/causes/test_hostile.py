"""Bodies that are written to cost time or memory, or to break what shows them."""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections.abc import Iterator
from random import Random

import pytest

from beanops.jobs.bodies import Reader
from beanops.jobs.causes import Cause, Causes, Tally
from beanops.jobs.read import FoundJob
from beanops.protocol import JobStats


def job(id: int, body: bytes, age: int = 0, **stats: int) -> FoundJob:
    facts = JobStats(id, "pay", "buried", 0, age, 0, 60, 0, 0, 1, 0, 0, 1, 0)._replace(**stats)
    return FoundJob(facts, body, (), "server", 1_769_860_000.0)


def failed(message: str) -> bytes:
    return json.dumps({"job": "Pay", "error": message}).encode()


def tally(bodies: Iterator[bytes] | list[bytes], most: int = 2000) -> Tally[Cause]:
    causes = Causes(Reader())
    counts: Tally[Cause] = Tally(most)
    for id, body in enumerate(bodies):
        counts.add(causes.of(body), job(id, body))
    return counts


def letters(number: int) -> str:
    """Return a word for a number, of letters that no rule takes for an id."""
    return "".join("bcdfghjklmnpqrstvwxz"[int(digit, 16) % 20] for digit in f"{number:06x}")


def test_messages_that_are_all_different_make_no_more_groups_than_allowed() -> None:
    counts = tally([failed(f"no {letters(number)} here") for number in range(9_000)], most=500)
    groups = counts.groups()
    assert len(groups) == 500
    assert (counts.count, counts.others) == (9_000, 8_500)
    assert [group.count for _, group in groups] == [1] * 500


def test_a_common_cause_is_counted_among_many_that_occur_once() -> None:
    bodies = [
        failed(f"no {letters(number)} here") if number % 3 else failed("card declined") for number in range(9_000)
    ]
    counts = tally(bodies, most=500)
    cause, group = counts.groups()[0]
    assert (cause.message, group.count, group.exact) == ("card declined", 3_000, True)
    assert sum(group.count for _, group in counts.groups()) + counts.others == 9_000


def test_messages_that_are_all_equal_are_one_group() -> None:
    counts = tally([failed("card declined")] * 5_000)
    assert [(cause.text, group.count) for cause, group in counts.groups()] == [("Pay: card declined", 5_000)]
    assert counts.others == 0


HOSTILE = {
    "a giant message": failed("x" * 3_000_000),
    "giant words": failed("a1" * 1_000_000),
    "many words": failed("7 a " * 500_000),
    "quotation marks": failed("'" * 100_000),
    "mixed quotation marks": failed("\"'`«„“" * 20_000),
    "braces": failed("{" * 100_000),
    "brackets and colons": failed("[:" * 100_000),
    "dots": failed("a." * 100_000),
    "slashes": failed("/a" * 100_000),
    "backslashes": failed("\\a" * 100_000),
    "at signs": failed("a@" * 100_000),
    "dashes": failed("a-" * 100_000),
    "digits": failed("1" * 1_000_000),
    "hex": failed("deadbeef" * 100_000),
    "times": failed("12:34:" * 100_000),
    "capitals": failed("Anna De " * 100_000),
    "select": failed("select " * 100_000),
    "class of many parts": failed("A." * 50_000 + "Error: x"),
    "traceback": failed("Traceback (most recent call last)\n" * 20_000),
    "caused by": failed("Caused by: \n" * 50_000),
    "blank lines": failed("\n" * 1_000_000 + "x"),
    "escapes": failed("\x1b[" * 100_000),
    "controls": failed("".join(map(chr, range(32))) * 10_000),
    "surrogates": b'{"job": "Pay", "error": "' + b"\\ud800" * 50_000 + b'"}',
    "private characters": failed("\ue000\ue123\ue2ff" * 10_000),
    "bidi": failed("\u202e\u2066" * 10_000),
    "deep objects": b'{"error":' * 500 + b"1" + b"}" * 500,
    "deep lists": b"[" * 100_000 + b"]" * 100_000,
    "deep causes": json.dumps({"error": eval("{'message': 'x', 'cause': " * 60 + "0" + "}" * 60)}).encode(),
    "many keys": json.dumps({f"k{n}": n for n in range(100_000)}).encode(),
    "long keys": json.dumps({"k" * 100_000 + str(n): n for n in range(10)}).encode(),
    "many objects": json.dumps([{"error": None}] * 50_000).encode(),
    "wide and deep": json.dumps({f"a{a}": {f"b{b}": {"c": [{}] * 9} for b in range(30)} for a in range(30)}).encode(),
    "binary": bytes(Random(1).randbytes(1_000_000)),
    "empty": b"",
    "layers": json.dumps({"a": [json.dumps({"error": "x"})] * 2_000}).encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_read_in_bounded_time_and_shown_safely(body: bytes) -> None:
    cause = Causes(Reader()).of(body)
    assert len(cause.text) <= 300
    assert cause.text.isprintable()
    cause.text.encode()
    assert len(cause.message) <= 1000
    start = time.thread_time()
    Causes(Reader()).of(body)
    # A second is ten times what the slowest takes; what is quadratic in the body takes minutes.
    assert time.thread_time() - start < 5


def test_what_is_remembered_of_hostile_bodies_is_bounded() -> None:
    causes = Causes(Reader())
    random = Random(2)

    def body(number: int) -> bytes:
        word = "".join(random.choices("abcdefgh 123'\"{/", k=500))
        return json.dumps({f"key{number}" + "k" * 500: word, "error": word, "class": letters(number) * 9}).encode()

    for number in range(6_000):
        causes.of(body(number))
    gc.collect()
    tracemalloc.start()
    for number in range(6_000, 9_000):
        causes.of(body(number))
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Everything that 3,000 bodies of 1 kB leave, in memories that were full before.
    assert kept < 30_000_000


class TestTally:
    def test_it_has_the_times_and_the_hints_of_a_group(self) -> None:
        counts: Tally[str] = Tally()
        for id, age in enumerate((500, 100, 300)):
            counts.add("a", job(id, b"x", age, timeouts=2, releases=id))
        ((key, group),) = counts.groups()
        assert (key, group.count, group.timeouts, group.releases, group.buries) == ("a", 3, 6, 3, 3)
        assert (group.oldest, group.newest) == (1_769_859_500.0, 1_769_859_900.0)
        assert group.sample.id == 1

    def test_the_trend_counts_every_job_whatever_the_order(self) -> None:
        random = Random(3)
        ages = [random.randrange(10_000_000) for _ in range(3_000)] + [0] * 500
        trends = []
        for _ in range(2):
            random.shuffle(ages)
            counts: Tally[str] = Tally()
            counts.add_all(["a"] * len(ages), [job(id, b"x", age) for id, age in enumerate(ages)])
            ((_, group),) = counts.groups()
            assert group.oldest is not None
            assert group.newest is not None
            trends.append(group.trend(group.oldest, group.newest, 20))
        assert trends[0] == trends[1]
        assert sum(trends[0]) == 3_500
        assert trends[0][-1] >= 500

    def test_jobs_on_no_server_have_no_times(self) -> None:
        counts: Tally[str] = Tally()
        counts.add("a", job(1, b"x")._replace(seen=0.0))
        ((_, group),) = counts.groups()
        assert (group.oldest, group.newest, group.count) == (None, None, 1)

    def test_large_bodies_are_not_kept(self) -> None:
        counts: Tally[int] = Tally()
        for id in range(100):
            counts.add(id, job(id, b"x" * 1_000_000))
        assert {group.sample.body for _, group in counts.groups()} == {None}
        assert counts.groups()[0][1].sample.stats.tube == "pay"
