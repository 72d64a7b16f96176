"""The decoder: any bytes, in any pieces; records behind damages are found."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beanops.binlog.decoder import Flaw, LogRecord, RecordDecoder
from beanops.binlog.formats import FORMATS, HEADER
from tests.binlog.logs import record, version

KINDS = [(7, "<"), (7, ">"), (5, "<"), (5, ">")]
KIND = st.sampled_from(KINDS)
BODIES = st.binary(max_size=40) | st.just(b"x" * 700) | st.just(b"\0" * 300)
RECORD = st.tuples(st.integers(1, 2**64 - 1), BODIES | st.none(), st.sampled_from(["ready", "buried", "delayed"]))
CUTS = st.lists(st.integers(0, 4000), max_size=8)


def decode(data: bytes, kind: tuple[int, str], cuts: list[int], size: int | None = None) -> list[LogRecord | Flaw]:
    """Decode what follows the version, in pieces."""
    decoder = RecordDecoder(FORMATS[version(*kind)], size)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    found = []
    for start, stop in pairwise(places):
        found += decoder.receive(data[start:stop])
        assert len(decoder._rest) <= 400
    return found + decoder.finish()


def as_bytes(records: list[tuple[int, bytes | None, str]], kind: tuple[int, str]) -> bytes:
    return b"".join(record(id, body, state=state, version=kind[0], order=kind[1]) for id, body, state in records)


@settings(max_examples=100)
@given(st.lists(RECORD, max_size=8), KIND, CUTS, st.integers(0, 300))
def test_records_are_read_in_any_pieces(
    records: list[tuple[int, bytes | None, str]], kind: tuple[int, str], cuts: list[int], zeros: int
) -> None:
    data = as_bytes(records, kind) + bytes(zeros)
    found = decode(data, kind, cuts, HEADER + len(data))
    assert [(one.id, one.full, one.size) for one in found if isinstance(one, LogRecord)] == [
        (id, body is not None, len(body or b"") + 2) for id, body, _ in records
    ]
    assert all(isinstance(one, LogRecord) and one.whole for one in found)


@settings(max_examples=150)
@given(st.binary(max_size=1500), KIND, CUTS)
def test_any_bytes_are_read_alike_in_any_pieces(data: bytes, kind: tuple[int, str], cuts: list[int]) -> None:
    whole = decode(data, kind, [], HEADER + len(data))
    assert decode(data, kind, cuts, HEADER + len(data)) == whole
    offsets = [one.offset for one in whole]
    assert all(HEADER <= offset <= HEADER + len(data) for offset in offsets)


@settings(max_examples=100)
@given(st.lists(RECORD, min_size=1, max_size=4), KIND, CUTS, st.binary(min_size=1, max_size=300), st.data())
def test_a_record_behind_a_damage_is_found(
    records: list[tuple[int, bytes | None, str]],
    kind: tuple[int, str],
    cuts: list[int],
    noise: bytes,
    data: st.DataObject,
) -> None:
    """Whatever is there instead, unless it falls into the body of a record that is cut before it."""
    before = as_bytes(records, kind)
    at = data.draw(st.integers(0, len(before)))
    # No noise is a record, or begins one that ends in the next: zeros part them.
    file = before[:at] + noise + bytes(40) + record(77, b"behind", version=kind[0], order=kind[1])
    found = decode(file, kind, cuts, HEADER + len(file))
    last = [one for one in found if isinstance(one, LogRecord)][-1:]
    swallowed = any(isinstance(one, LogRecord) and one.offset + 60 + one.size > HEADER + at for one in found)
    assert [one.id for one in last] == [77] or swallowed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        (lambda data: data[:-100], "body"),
        (lambda data: data + b"\x07", "record"),
        (lambda data: data + b"\xff\xff\xff\x7f" * 40, "length"),
        (lambda data: data + bytes(400) + b"x" * 400, "zeros"),
    ],
)
def test_each_flaw_has_its_kind_and_place(damaged: object, expected: str, kind: tuple[int, str]) -> None:
    sound = as_bytes([(1, b"x" * 300, "ready"), (2, None, "buried"), (3, b"y" * 300, "ready")], kind)
    assert callable(damaged)
    data = damaged(sound)
    (flaw,) = [one for one in decode(data, kind, [], HEADER + len(data)) if isinstance(one, Flaw)]
    third = HEADER + len(as_bytes([(1, b"x" * 300, "ready"), (2, None, "buried")], kind))
    assert (flaw.kind, flaw.offset) == (expected, third if expected == "body" else HEADER + len(sound))
    assert flaw.until == HEADER + len(data)


def test_a_cut_body_of_unknown_length_of_the_file_is_reported_at_the_end() -> None:
    data = record(9, b"x" * 300)[:-50]
    assert decode(data, (7, "<"), [20, 90, 200]) == [Flaw(HEADER, "body", 9, HEADER + len(data), 302)]


def test_a_body_that_ends_in_zeros_is_not_whole() -> None:
    data = record(9, b"x" * 300)[:-50] + bytes(150)
    (found,) = decode(data, (7, "<"), [], HEADER + len(data))
    assert found == LogRecord(HEADER, 9, 1, True, 302, whole=False)
