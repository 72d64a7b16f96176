"""The statistics of all tubes, whatever comes and goes meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from beanops import Client
from beanops.monitor.sweep import sweep


def test_only_the_wanted_tubes_are_asked_for_and_one_that_vanishes_is_left_out(client: Client) -> None:
    made = client.put(b"x", tube="mail-1")
    client.put(b"x", tube="mail-2")

    class Vanishing:
        """A client under which a tube vanishes once the names are known."""

        def list_tubes(self) -> list[str]:
            """Return the names, of which one is history."""
            names = client.list_tubes()
            client.delete(made)
            return names

        def pipeline(self, asked: Iterable[Any]) -> Iterator[Any]:
            """Answer the commands."""
            return client.pipeline(asked)

    fading: Any = Vanishing()
    asked = client.stats().cmd_stats_tube
    assert [tube.name for tube in sweep(fading, lambda name: name.startswith("mail"))] == ["mail-2"]
    assert client.stats().cmd_stats_tube - asked == 2
