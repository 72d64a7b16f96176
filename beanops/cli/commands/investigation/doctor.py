"""The command that examines beanops, its files and its servers."""

from __future__ import annotations

from pathlib import Path

import click

from beanops.cli import options
from beanops.cli.exits import INCOMPLETE
from beanops.cli.output import print_csv, print_json
from beanops.protocol.errors import UsageError
from beanops.session.doctor.bundle import check_bundle, write_bundle
from beanops.session.doctor.diagnosis import Diagnosis
from beanops.session.doctor.examination import Examination
from beanops.text import plural, safe_text


@click.command()
@click.option(
    "--bundle", type=click.Path(path_type=Path), metavar="FILE", help="Write a support bundle: .zip or .tar.gz"
)
@options.servers
@options.printing
@click.pass_context
def doctor(ctx: click.Context, bundle: Path | None, server: tuple[str, ...], output: str) -> None:
    """Examine beanops, its configuration and journal, and the server: is all well, and what is to be done if not.

    It changes nothing, and works without a server. The exit code is 0 if all is well, and 1 if something needs
    attention. A support bundle has no bodies, passwords or names of users; beanops manual doctor says what it has.
    """
    if bundle is not None:
        check_bundle(bundle)
    examination = Examination(_each(server))
    for one in examination:
        if output == "table":
            _print_line(one)
    if output == "json":
        print_json([one._asdict() for one in examination.found])
    elif output == "csv":
        print_csv([one._asdict() for one in examination.found], Diagnosis._fields)
    else:
        states = [one.state for one in examination.found]
        counts = [plural(states.count(state), state) for state in ("problem", "warning") if state in states]
        click.echo(f"\n{' and '.join(counts)}" if counts else "\nall is well")
    if bundle is not None:
        write_bundle(bundle, examination)
        text = f"support bundle written to {bundle}; look into it before you send it"
        click.echo(safe_text(text), err=output != "table")
    if not examination.fine:
        ctx.exit(INCOMPLETE)


def _each(servers: tuple[str, ...]) -> list[str]:
    """Return the servers of globs and groups; those of a configuration that cannot be read stay, to be examined."""
    from beanops.fleet.servers import names_several, servers_of

    found: list[str] = []
    for one in servers:
        try:
            found += [member.name for member in servers_of(one)] if names_several(one) else [one]
        except UsageError:
            found.append(one)
    return list(dict.fromkeys(found))


def _print_line(one: Diagnosis) -> None:
    """Print a diagnosis, and below it what to do."""
    click.echo(safe_text(f"{one.state:<8} {one.area}: {one.text}"))
    if one.advice:
        click.echo(safe_text(f"{'':8} -> {one.advice}"))
