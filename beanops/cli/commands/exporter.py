"""The command that exports metrics for Prometheus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from beanops.cli import complete, options
from beanops.protocol.errors import UsageError
from beanops.ui.defaults import LONGEST_INTERVAL, SHORTEST_INTERVAL


@click.command()
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on")
@click.option(
    "--port",
    type=options.Number(0, 65535),
    default=11380,
    show_default=True,
    help="Port to listen on; 0 for any",
)
@click.option(
    "--interval",
    type=click.FloatRange(SHORTEST_INTERVAL, LONGEST_INTERVAL),
    default=5.0,
    show_default=True,
    help="Seconds between two looks at each server",
)
@click.option(
    "--tubes",
    metavar="PATTERN",
    multiple=True,
    shell_complete=complete.tubes,
    help="Export only matching tubes; repeatable",
)
@click.option(
    "--no-tubes",
    metavar="PATTERN",
    multiple=True,
    shell_complete=complete.tubes,
    help="Exclude matching tubes; repeatable",
)
@click.option(
    "--max-tubes", type=options.Number(1), default=10_000, show_default=True, help="Maximum exported tubes of a server"
)
@click.option(
    "--web.config.file", "--web-config", "web_config", metavar="FILE", type=click.Path(path_type=Path),
    help="Web config file of the Prometheus exporters: TLS, users",
)  # fmt: skip
@click.option("--print-dashboard", "print_", flag_value="dashboard", help="Print the Grafana dashboard and exit")
@click.option("--print-rules", "print_", flag_value="rules", help="Print alert rules for Prometheus and exit")
@options.servers
def exporter(print_: str | None, **given: Any) -> None:
    """Export metrics for Prometheus over HTTP, by default to this machine.

    /metrics serves the metrics, /-/healthy and /-/ready the state of the exporter. PATTERN is a name or a glob such as
    'mail-*'.
    """
    from beanops import exporter as room

    if print_ is not None:
        click.echo(room.dashboard() if print_ == "dashboard" else room.rules(), nl=False)
        return
    try:
        from beanops.exporter.polling import TubePatterns
        from beanops.exporter.service import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("prometheus_client", "bcrypt", "yaml"):
            raise
        raise UsageError("the exporter needs prometheus-client: pip install 'beanops[exporter]'") from None
    serve(
        given["server"],
        host=given["listen"],
        port=given["port"],
        interval=given["interval"],
        patterns=TubePatterns(given["tubes"], given["no_tubes"], given["max_tubes"]),
        web_config=given["web_config"],
    )
