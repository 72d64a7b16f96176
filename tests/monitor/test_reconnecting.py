"""A server that ends and comes back while it is surveyed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.monitor.reconnecting import ReconnectingSurveyor, most_ready
from beanops.monitor.survey import Surveyor
from beanops.protocol.errors import BeanopsError


def test_it_connects_again_and_leaves_a_gap(start_beanstalkd: Callable[..., Beanstalkd]) -> None:
    seconds = [100.0]
    surveyor = Surveyor(lambda: seconds[0])
    first = start_beanstalkd()
    watching = ReconnectingSurveyor(first.address, surveyor, 3.0)
    before = watching.look().server.id
    first.stop(kill=True)
    seconds[0] += 1
    with pytest.raises(BeanopsError):
        watching.look()
    with start_beanstalkd(port=first.port):
        seconds[0] += 1
        again = watching.look()
        assert again.server.id != before
        assert surveyor.past.since == again.at
        watching.close()


def test_most_ready(client: Client) -> None:
    for tube in ("a", "b", "b", "c", "c", "c"):
        client.put(b"x", tube=tube)
    tubes = Surveyor(lambda: 100.0).look(client).tubes
    assert most_ready(tubes, 2) == ["c", "b"]
    assert sorted(most_ready(tubes, 9)) == ["a", "b", "c"]  # "default" has no jobs
