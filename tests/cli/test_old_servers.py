"""The command line on servers without `reserve-job`, which is all up to 1.11."""

from __future__ import annotations

import json
from collections.abc import Callable

from beanops.embedded.process import Beanstalkd
from tests.cli.conftest import Cli


def test_stats_say_what_the_server_cannot_do(start_beanstalkd: Callable[..., Beanstalkd], cli: Cli) -> None:
    old, new = start_beanstalkd(dialect="1.11"), start_beanstalkd(dialect="1.13")
    told = "needs beanstalkd 1.12 or newer, this is 1.11"
    assert told in cli("stats", "-s", old.address).out
    assert told in json.loads(cli("stats", "-s", old.address, "--json").out)["lacks"]
    assert "lacks" not in cli("stats", "-s", new.address).out
