"""Random sequences of commands on several connections: the embedded server answers as the real one does."""

from __future__ import annotations

import os
import random
import signal
from contextlib import closing

import pytest

from beanops.embedded.process import Beanstalkd
from tests.embedded.peers import Both, Remote

TUBES = ["default", "a", "b", "1e3", "x" * 200]


class Actor:
    """Makes up what the connections do next."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choose(self, numbers: list[int]) -> int:
        return self._random.choice(numbers)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _id(self) -> int:
        return self._random.randint(1, 30)

    def _priority(self) -> int:
        return self._random.choice([0, 1, 10, 1023, 1024, 2**32 - 1])

    def _delay(self) -> int:
        return self._random.choice([0, 0, 0, 100, 200])

    def _tube(self) -> str:
        return self._random.choice(TUBES)

    def command(self) -> bytes:
        choose = self._random.choice
        if self.chance(0.25):
            body = self._random.randbytes(choose([0, 1, 10, 300, 1000]))
            return b"put %d %d %d %d\r\n%b\r\n" % (self._priority(), self._delay(), choose([100, 300]), len(body), body)
        if self.chance(0.15):
            return choose(ODD_LINES)
        line = choose(
            [
                f"use {self._tube()}",
                f"watch {self._tube()}",
                f"ignore {self._tube()}",
                "reserve",
                "reserve-with-timeout 0",
                "reserve-with-timeout 0",
                f"reserve-job {self._id()}",
                f"delete {self._id()}",
                f"release {self._id()} {self._priority()} {self._delay()}",
                f"bury {self._id()} {self._priority()}",
                f"bury {self._id()} {self._priority()}",
                f"touch {self._id()}",
                f"peek {self._id()}",
                "peek-ready",
                "peek-delayed",
                "peek-buried",
                f"kick {choose([0, 1, 2, 100])}",
                f"kick-job {self._id()}",
                "stats",
                f"stats-tube {self._tube()}",
                f"stats-job {self._id()}",
                "list-tubes",
                "list-tube-used",
                "list-tubes-watched",
                f"pause-tube {self._tube()} {choose([0, 0, 100])}",
            ]
        )
        return line.encode("ascii") + b"\r\n"


ODD_LINES = [
    b"\r\n",
    b"put 1 0 100 3\r\nabcde\r\n",
    b"put 1 0 100 1001\r\n" + b"x" * 1001 + b"\r\n",
    b"put 1 0 100 99 x\r\n",
    b"put 4294967296 0 100 1\r\n",
    b"delete -1\r\n",
    b"delete 1 \r\n",
    b"watch -x\r\n",
    b"watch " + b"x" * 201 + b"\r\n",
    b"kick -1\r\n",
    b"kick 4294967297 times\r\n",
    b"pause-tubedefault 0\r\n",
    b"peek-ready now\r\n",
    b"reserve-with-timeout 0 seconds\r\n",
    b"stats\0\r\n",
    b"x" * 300 + b"\r\n",
    b"PUT 1 0 1 1\r\n",
]


@pytest.mark.parametrize("seed", range(30))
def test_random_commands(both: Both, seed: int) -> None:
    actor = Actor(seed)
    for _ in range(200):
        numbers = [number for number in range(1, len(both.local.dialogues)) if both.local.is_open(number)]
        if sum(not both.local.is_waiting(number) for number in numbers) < 3:
            both.connect()
            continue
        number = actor.choose(numbers)
        if both.local.is_waiting(number) and (actor.chance(0.8) or both.local.anything_held()):
            # Two that are woken together and have more to say would race each other.
            continue
        if actor.chance(0.01):
            both.send(number, b"quit\r\n")
        elif actor.chance(0.02):
            both.send(number, b"put 7 0 100 20\r\nnever to be complete")
            both.end(number)
        elif actor.chance(0.02):
            both.end(number)
        else:
            both.send(number, actor.command())
    both.finish()


def test_draining(beanstalkd: Beanstalkd) -> None:
    with closing(Remote(beanstalkd.address)) as remote:
        both = Both(remote)
        number = both.connect()
        both.send(number, b"put 1 0 60 1\r\na\r\nput 1 0 60 5\r\nhal")
        os.kill(beanstalkd.pid, signal.SIGUSR1)
        both.local.machine.draining = True
        # The signal has been seen by the time that the server has turned to somebody once more.
        both.synchronize()
        both.send(number, b"ves\r\nput 1 0 60 1\r\nabc\r\nput 1 0 60 1\r\na\r\ndelete 1\r\nput 1 0 60 65536\r\n")
        both.send(number, b"x" * 65538)
        both.finish()
