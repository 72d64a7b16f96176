"""Logs that a real server wrote: whole, killed, cut and overwritten; each compared with what the server restores."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from beanops import Binlog, Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol import Command, commands
from beanops.protocol.errors import BeanopsError
from tests.binlog.logs import Start, expected, restored, work
from tests.waits import PATIENCE

#: Files so small that jobs are moved from one to the next all the time.
SMALL = ("-s", "8192")


@pytest.fixture
def written(start_beanstalkd: Start, tmp_path: Path) -> Path:
    """Have a real server write a log of many small files, and be killed."""
    folder = tmp_path / "log"
    folder.mkdir()
    server = start_beanstalkd("-b", str(folder), "-f0", *SMALL)
    with Client(server.address) as client:
        work(client, 400)
        server.stop(kill=True)
    return folder


def test_a_log_is_read_as_a_server_restores_it(written: Path, start_beanstalkd: Start, tmp_path: Path) -> None:
    assert expected(written) == restored(start_beanstalkd, written, tmp_path / "copy")


def test_what_a_start_restored_and_wrote_is_read_too(written: Path, start_beanstalkd: Start, tmp_path: Path) -> None:
    """Buried and delayed jobs survive several starts, and each counts a bury; the numbers of files go on."""
    for seed in range(3):
        server = start_beanstalkd("-b", str(written), "-f0", *SMALL)
        with Client(server.address) as client:
            work(client, 150, seed=seed)
            server.stop(kill=seed % 2 == 0)
        assert expected(written) == restored(start_beanstalkd, written, tmp_path / f"copy{seed}")


def test_a_log_that_is_cut_at_any_byte(written: Path, start_beanstalkd: Start, tmp_path: Path) -> None:
    chance = random.Random(1)
    files = sorted(written.iterdir())
    for turn in range(12):
        cut = tmp_path / f"cut{turn}"
        shutil.copytree(written, cut)
        victim = cut / chance.choice([file.name for file in files if file.name != "lock"])
        data = victim.read_bytes()
        at = chance.randrange(len(data))
        victim.unlink()
        # In turn the file ends there, zeros follow, or something else is there.
        noise = chance.randbytes(chance.choice((1, 8, 200)))
        damaged = data[:at], data[:at] + bytes(len(data) - at), data[:at] + noise + data[at + len(noise) :]
        victim.write_bytes(damaged[turn % 3])
        assert expected(cut) == restored(start_beanstalkd, cut, tmp_path / f"copy{turn}"), (victim, at, turn % 3)


@pytest.mark.parametrize("after", [1, 5_000, 30_000, 90_000])
def test_a_server_that_is_killed_at_work(after: int, start_beanstalkd: Start, tmp_path: Path) -> None:
    """It is killed once its log has so many bytes, with commands under way."""
    folder = tmp_path / "log"
    folder.mkdir()
    server = start_beanstalkd("-b", str(folder), "-f0", *SMALL)
    killer = threading.Thread(target=_kill_at, args=(server, folder, after))
    with Client(server.address) as client:
        killer.start()
        with suppress(BeanopsError):
            for _ in client.pipeline(_puts_and_deletes()):
                pass
        killer.join()
    assert expected(folder) == restored(start_beanstalkd, folder, tmp_path / "copy")


def _kill_at(server: Beanstalkd, folder: Path, size: int) -> None:
    give_up = time.monotonic() + PATIENCE
    while _written(folder) < size and time.monotonic() < give_up:
        pass
    server.stop(kill=True)


def _written(folder: Path) -> int:
    size = 0
    for file in folder.glob("binlog.*"):
        with suppress(FileNotFoundError):  # the server removed it
            size += len(file.read_bytes().rstrip(b"\0"))
    return size


def _puts_and_deletes() -> Iterator[Command[Any]]:
    """Yield more than a server does until it is killed, of fewer jobs than are looked for afterwards."""
    for id in range(1, 900):
        yield commands.put(b"x" * (id * 7 % 300), priority=id % 5, delay=1000 * (id % 3 == 0))
        if id % 2 == 0:
            yield commands.delete(id // 2)
    for _ in range(100_000):
        yield commands.peek_ready()


def test_a_sound_log_has_no_damage(written: Path) -> None:
    log = Binlog(written)
    assert log.damage_list == []
    assert {job.at_start for job in log} == {"restored"}
    assert log.holder is None
