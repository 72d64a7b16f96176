"""The exporter as a service: a poller for each server, a registry of their metrics, and the HTTP server in front."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.registry import Collector

from beanops.exporter.exposition import Family, Labels
from beanops.exporter.metrics import families
from beanops.exporter.polling import ALL_TUBES, POLL_INTERVAL, ServerPoller, TubePatterns
from beanops.exporter.web_config import WatchedWebConfig
from beanops.exporter.web_server import MetricsServer
from beanops.fleet.servers import names_several, servers_of
from beanops.protocol.errors import UsageError
from beanops.session.config import problem_limits
from beanops.text import plural, safe_text

#: The address that it listens on by default; another one is reachable by others.
HOST, PORT = "127.0.0.1", 11380


class BeanstalkdCollector(Collector):
    """The metrics of some servers, for a registry of prometheus_client.

    Parameters
    ----------
    pollers : sequence of ServerPoller
        One per server.
    """

    def __init__(self, pollers: Sequence[ServerPoller]) -> None:
        self._pollers = pollers

    def collect(self) -> Iterator[Family]:
        """Yield the metrics as they are known now."""
        return families([poller.reading() for poller in self._pollers])


def pollers_of(servers: Iterable[str], **options: Any) -> list[ServerPoller]:
    """Return a poller for each server, not yet started.

    The label `server` is there only where several are asked for: the metrics of one then have the labels that a server
    with metrics of its own gives them.

    Parameters
    ----------
    servers : iterable of str
        Addresses, names of the configuration, globs of these names such as ``"prod-*"``, and names of groups. A server
        that several of them mean is exported once.
    **options : Any
        Those of `ServerPoller`.

    Raises
    ------
    UsageError
        A name is given twice, or is neither a name nor an address; a glob matches no server.
    """
    named = list(servers)
    if twice := {name for name in named if named.count(name) > 1}:
        raise UsageError(f"server {', '.join(sorted(twice))} is named twice")
    known = servers_of(named)
    # What names several servers has the label however many they are: a series must not change with the configuration.
    labelled = len(known) > 1 or any(map(names_several, named))

    def labels(name: str) -> Labels:
        return (("server", name),) if labelled else ()

    return [ServerPoller(one.name, one.reach, labels=labels(one.name), **options) for one in known]


def serve(
    servers: Sequence[str],
    *,
    host: str = HOST,
    port: int = PORT,
    interval: float = POLL_INTERVAL,
    patterns: TubePatterns = ALL_TUBES,
    web_config: Path | None = None,
) -> None:
    """Export servers until the process is interrupted.

    Parameters
    ----------
    servers : sequence of str
        As in `pollers_of`.
    host, port : str and int
        The address to listen on.
    interval : float
        Seconds between two looks at each server, of which each reads only a part of very many tubes; then five times
        as often.
    patterns : TubePatterns
        The tubes to export.
    web_config : Path or None
        Web config file with TLS and users.

    Raises
    ------
    UsageError
        A server or the web config file is wrong, or it cannot listen there.
    """
    pollers = pollers_of(servers, interval=interval, patterns=patterns, limits=problem_limits())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BeanstalkdCollector(pollers))
    ProcessCollector(registry=registry)
    with ExitStack() as ends:
        server = ends.enter_context(
            MetricsServer(
                host,
                port,
                registry=registry,
                healthy=lambda: not any(poller.failed for poller in pollers),
                ready=lambda: all(poller.looked for poller in pollers),
                servers=[poller.name for poller in pollers],
                web_config=WatchedWebConfig(web_config),
            )
        )
        named = ", ".join(safe_text(poller.name) for poller in pollers[:3])
        more = f" and {plural(len(pollers) - 3, 'more server')}" if len(pollers) > 3 else ""
        about = f"beanops exporter: {server.url}/metrics serves {named}{more}; Ctrl-C ends it"
        print(about, file=sys.stderr, flush=True)  # before a poller says that it lost its server
        for poller in pollers:
            ends.callback(poller.close)
            poller.start()
        server.serve_forever(poll_interval=0.5)
