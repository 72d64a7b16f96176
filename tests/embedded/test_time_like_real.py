"""What time does on the real server, in real seconds: all at once, for it costs as long as the longest."""

from __future__ import annotations

from contextlib import closing

from beanops.embedded.process import Beanstalkd
from tests.embedded.peers import Both, Remote


def test_time(beanstalkd: Beanstalkd) -> None:
    """Everything happens half a second away from every deadline."""
    with closing(Remote(beanstalkd.address)) as remote:
        both = Both(remote)
        (late, next_worker, delayed, paused, impatient, warned, stuck) = (both.connect() for _ in range(7))
        for number, tube in enumerate(["late", "late", "delayed", "paused", "impatient", "warned", "stuck"], 1):
            both.send(number, f"use {tube}\r\nwatch {tube}\r\nignore default\r\n".encode("ascii"))
        both.send(late, b"put 1 0 1 4\r\nlate\r\nreserve\r\n")
        both.send(next_worker, b"reserve\r\n")
        both.send(delayed, b"put 1 1 9 7\r\ndelayed\r\nreserve\r\n")
        both.send(paused, b"put 1 0 9 6\r\npaused\r\npause-tube paused 2\r\nreserve\r\n")
        both.send(impatient, b"reserve-with-timeout 1\r\nreserve-with-timeout 2\r\n")
        both.send(warned, b"put 1 0 2 6\r\nwarned\r\nreserve\r\nreserve\r\nreserve-with-timeout 0\r\n")
        both.send(stuck, b"put 1 0 2 5\r\nstuck\r\nreserve\r\n")
        both.sleep(0.5)
        both.send(stuck, b"reserve-with-timeout 1\r\n")
        both.sleep(1, quietly=True)
        # The real one may overlook that a ttr has ended until the holder says something: it is a matter of luck.
        both.send(late, b"list-tube-used\r\n")
        both.send(next_worker, b"bury 1 2\r\n")
        both.send(warned, b"touch 4\r\n")
        both.send(stuck, b"touch 5\r\n")
        for _ in range(3):
            both.send(0, b"stats-job 1\r\nstats-job 2\r\nstats-job 3\r\nstats-job 5\r\nstats-tube paused\r\n")
            both.sleep(1, quietly=True)
            both.send(warned, b"touch 4\r\n")
        # This one has been past its ttr for a second: after a warning it takes a word from its holder, by rule.
        both.send(0, b"stats-job 5\r\nstats\r\n")
        both.send(stuck, b"list-tube-used\r\n")
        both.send(0, b"stats-job 5\r\nstats\r\n")
        both.finish()
