"""Logs that a real server wrote: whole, killed, cut and overwritten; each compared with what the server restores."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from beanops import Binlog, Client
from tests.binlog.logs import Start, expected, restored, work

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


def test_a_sound_log_has_no_damage(written: Path) -> None:
    log = Binlog(written)
    assert log.damage_list == []
    assert {job.at_start for job in log} == {"restored"}
    assert log.holder is None
