"""Where lines and bodies end: each trap, and streams of rubbish, answered as the real server answers them."""

from __future__ import annotations

import random

import pytest

from tests.embedded.peers import Both

#: What shows that the connection is in step again, or how far it is out of step.
_AFTER = b"list-tube-used\r\npeek 1\r\n"

TRAPS = {
    "malformed put, the body runs as a command": b"put 1 0 x 17\r\nuse other\r\nwatch q\r\n",
    "put without enough numbers": b"put 1 0 10\r\nuse other\r\n",
    "put with something behind the numbers": b"put 1 0 10 5 \r\nuse x\r\n",
    "put with many spaces": b"put   1  0   10    2\r\nab\r\n",
    "put with tabs": b"put 1\t0 10 2\r\n",
    "put of nothing": b"put 1 0 10 0\r\n\r\n",
    "put with a ttr of 0": b"put 1 0 0 1\r\na\r\nstats-job 1\r\n",
    "put of a number too large": b"put 4294967296 0 10 2\r\nab\r\n",
    "put of the largest numbers": b"put 4294967295 4294967295 4294967295 2\r\nab\r\nstats-job 1\r\n",
    "wrong trailer": b"put 1 0 10 2\r\nabcdelist-tubes\r\nput 1 0 10 1\r\na\r\n",
    "wrong trailer, half of it right": b"put 1 0 10 2\r\nab\r-list-tubes\r\nput 1 0 10 1\r\na\r\n",
    "body too big": b"put 1 0 10 1001\r\n" + b"x" * 1001 + b"\r\nput 1 0 10 1\r\na\r\n",
    "body too big, with something behind the numbers": b"put 1 0 10 1001 x\r\n" + b"x" * 1001 + b"\r\n",
    "body too big, cut off": b"put 1 0 10 100000\r\n" + b"x" * 5000,
    "body cut off": b"put 1 0 10 100\r\nabc",
    "line without an end": b"list-tubes",
    "line that ends in LF": b"list-tubes\nuse x\r\n",
    "bare CR in a line": b"list-tubes\ruse x\r\n",
    "CR CR LF": b"list-tubes\r\r\n",
    "empty line": b"\r\n",
    "NUL in a line": b"list-tubes\0\r\nkick 1\0\r\nquit\0\r\nxxx\0\r\n",
    "quit": b"use x\r\nquit\r\n",
    "quit as a prefix": b"use x\r\nquitting time\r\n",
    "Quit is no command": b"Quit\r\n",
    "words without arguments": b"\r\n".join(
        b"put use watch ignore delete release bury touch kick kick-job peek reserve-with-timeout reserve-job stats-job "
        b"stats-tube pause-tube quiet peek-".split()
    )
    + b"\r\n",
    "words with something stuck to them": b"list-tubesx\r\nlist-tube-usedx\r\nlist-tubes-watchedx\r\nstatsx\r\n"
    b"reservex\r\npeek-readyx\r\npeek-delayedx\r\npeek-buriedx\r\nputx\r\n",
    "words with something behind them": b"list-tubes \r\nlist-tube-used x\r\nstats x\r\nreserve 1\r\npeek-ready 1\r\n",
    "ids": b"delete 0\r\n"
    b"delete 18446744073709551615\r\ndelete 18446744073709551616\r\ndelete +1\r\ndelete -1\r\n"
    b"delete  1\r\ndelete 1 \r\ndelete 1x\r\ndelete 0x1\r\ndelete 00000000000000000000000000001\r\ndelete \r\n",
    "kick's numbers": b"kick -1\r\nkick  +1 garbage\r\nkick \t\x0b1\r\nkick 18446744073709551615\r\nkick x\r\n"
    b"kick -\r\nkick \r\nkick 18446744073709551616\r\nkick -18446744073709551616\r\nkick - 1\r\n",
    "reserve's numbers": b"reserve-with-timeout x\r\nreserve-with-timeout 0 x\r\nreserve-with-timeout  0\r\n"
    b"reserve-with-timeout 4294967296\r\n"
    b"reserve-with-timeout -4294967296\r\nreserve-with-timeout 99999999999999999999\r\n",
    "pauses": b"pause-tube default\r\npause-tube default 0 \r\npause-tube  default  0\r\npause-tubedefault 0\r\n"
    b"pause-tube -x 0\r\npause-tube none 1\r\npause-tube default 4294967296\r\npause-tube "
    + b"x" * 201
    + b" 1\r\nstats-tube default\r\n",
    "names": b"use -x\r\nuse x y\r\nuse  x\r\nuse \r\nwatch " + b"x" * 200 + b"\r\nwatch " + b"x" * 201 + b"\r\n"
    b"use a,b\r\nuse A-Za-z0-9-+/;.$_()\r\nignore nobody\r\nignore default\r\nignore default\r\nuse \xc3\xa4\r\n",
    "a reserve in the middle": b"reserve\r\nput 1 0 10 1\r\na\r\nreserve\r\nreserve-with-timeout 5\r\ndelete 1\r\n",
    "numbers that only C reads": b"put 1 0 10 1\r\na\r\npeek 1x\r\npeek  +1\r\npeek\t1\r\npeek x\r\npeek -1\r\n"
    b"delete \r\n"
    b"delete 18446744073709551616\r\nstats-job 1 1\r\nkick-job 0x1\r\ntouch 1,\r\nrelease 1x 2 3\r\n",
    "numbers cut to their low bits": b"put 4294967297 4294967296 99999999999999999999 1\r\na\r\nstats-job 1\r\n"
    b"reserve\r\nrelease 1 4294967299 0\r\nstats-job 1\r\nreserve\r\nbury 1 9999999999999999999999\r\nbury 1 -1\r\n"
    b"stats-job 1\r\n",
    "put with a size that only C reads": b"put 1 0 10\r\n\r\nput 1 0 10 x\r\nput 1 0 10 +1\r\na\r\nput 1 0 10 -1\r\na",
    "release and bury with odd ends": b"put 1 0 10 1\r\na\r\nreserve\r\nrelease 1 1\r\nrelease 1 1 1 \r\nbury 1 1 \r\n"
    b"bury 1\r\n"
    b"bury x 1\r\nrelease 1  5  0\r\nstats-job 1\r\n",
    "pauses of what is no tube": b"pause-tube -x 0\r\npause-tube default\r\npause-tube x 1 1\r\npause-tubedefault 9\r\n"
    b"pause-tube default 4294967297\r\nstats-tube default\r\n",
    "ids of refused puts": b"put 1 0 10 1\r\nabc\r\nput 1 0 10 1001\r\n"
    + b"x" * 1003
    + b"put 1 0 10 1 x\r\nput 1 0 10 1\r\na\r\n",
}


@pytest.mark.parametrize("name", TRAPS)
def test_trap(both: Both, name: str) -> None:
    both.compare_stream([TRAPS[name] + _AFTER])
    both.finish()


def test_lines_around_the_longest(both: Both) -> None:
    for length in (*range(200, 232), *range(440, 455)):
        both.compare_stream([b"x" * length + b"\r\n" + _AFTER])
        both.compare_stream([b"x" * length + b"\r" + b"y" * 20 + b"\r\n" + _AFTER])
    both.finish()


def test_an_overlong_line_can_swallow_the_next(both: Both) -> None:
    # The CR is the last byte that fits, where nobody looks for it.
    answer = both.compare_stream([b"x" * 223 + b"\r\nlist-tube-used\r\nlist-tube-used\r\n"])

    if both.dialect in ("1.12", "1.13"):
        assert answer == b"BAD_FORMAT\r\nUSING default\r\n"


@pytest.mark.parametrize("seed", range(15))
def test_rubbish(both: Both, seed: int) -> None:
    """Fragments of commands and random bytes, in pieces of random size."""
    rng = random.Random(seed)
    fragments = [
        *(trap for name, trap in TRAPS.items() if "quit" not in name and "NUL" not in name),
        b"\r",
        b"\n",
        b"\0",
        b" ",
        b"put 1 0 10 ",
        b"9",
        b"x" * 100,
    ]
    for _ in range(20):
        parts = [rng.choice(fragments) if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 40)) for _ in range(12)]
        stream = b"".join(parts)
        cuts = sorted(rng.randrange(len(stream)) for _ in range(3))
        both.compare_stream([stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)])
    both.finish()
