"""The group of commands: their names, modules and one line of help, and how a call ends."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from keyword import iskeyword

import click

import beanops
from beanops.cli import complete, spreadsheet
from beanops.cli.commands.servers.reach_options import reaching_all, take
from beanops.cli.fleets.server_option import OneOrMore, Servers, patience
from beanops.cli.one_of import OneOf
from beanops.ui.actions import CATALOGUE, ON_JOBS


def _does(action: str) -> str:
    return f"{CATALOGUE[action].help}."


#: Each command with its module and one line of help; the module is imported when the command is called.
COMMANDS = {
    "tubes": ("commands.tubes", "Show the tubes: jobs in each state, workers, pauses."),
    "stats": ("commands.tubes", "Show the statistics of the server, or of one tube."),
    "times": ("commands.times", "Estimate how long jobs wait and run, and their classes."),
    "wait": ("commands.investigation.wait", "Wait until a condition on a tube is true, such as that it is drained."),
    "problems": ("commands.problems", "Show what is wrong, with reasons; exit code 1 if there are problems."),
    "doctor": ("commands.investigation.doctor", "Examine beanops, its files and the server."),
    "check": ("commands.check", "Check the server or a tube, for a monitoring system."),
    "peek": ("commands.tubes", "Show jobs: the next of a tube, or by id."),
    "jobs": ("commands.jobs", "Find jobs by tube, state, id or SQL predicate."),
    "job": ("commands.jobs", "Show one job: statistics, body and journal."),
    "tail": ("commands.investigation.tail", "Show new jobs as they are put."),
    "sql": ("commands.jobs", "Query jobs with SQL."),
    "groups": ("commands.investigation.groups", "Group jobs by cause, or by any SQL expression."),
    "facets": ("commands.investigation.facets", "Show paths and values in the bodies of jobs."),
    "snapshot": ("commands.jobs", "Save all jobs of the server as Parquet files."),
    "put": ("commands.act", _does("put")),
    **{action.name: ("commands.bulk", _does(action.name)) for action in ON_JOBS},
    "edit": ("commands.edit", _does("edit")),
    "drain": ("commands.bulk", _does("drain")),
    "reserve": ("commands.reserve", _does("reserve")),
    "pause": ("commands.act", _does("pause")),
    "unpause": ("commands.act", _does("unpause")),
    "undo": ("commands.act", _does("undo")),
    "resume": ("commands.act", _does("resume")),
    "journal": ("commands.journal", "Show, verify and prune the journal of actions."),
    "alert": ("commands.alert", "Notify of problems by rules."),
    "export": ("commands.files", "Write jobs to a file."),
    "import": ("commands.files", "Put the jobs of an exported file."),
    "binlog": ("commands.servers.binlog", "Read the binlog of a server that is down."),
    "sample": ("commands.files", "Save jobs as named samples and put them."),
    "manual": ("commands.manual", "Show the manual."),
    "migrate": ("commands.servers.migrate", "Move the jobs of a server to another one."),
    "servers": ("commands.servers.servers", "Show the servers of the configuration."),
    "completion": ("commands.servers.servers", "Print a shell completion script."),
    "tui": ("commands.dashboard", "Open the terminal dashboard."),
    "web": ("commands.dashboard", "Serve the dashboard over HTTP."),
    "record": ("commands.record", "Record tubes and problems to a file, to replay them."),
    "exporter": ("commands.exporter", "Export metrics for Prometheus."),
    "serve": ("commands.servers.serve", "Run an embedded beanstalkd for trials and tests."),
    "demo": ("demo.command", "Try beanops on a private server with a sample workload."),
}


class Commands(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"beanops.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; an error names those with a name like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 some of it was not, 2 usage, 3 cannot reach the server, 4 refused;"
    " 130, 143 and 129 ended by Ctrl-C, SIGTERM and SIGHUP.",
)
@click.option(
    "-s",
    "--server",
    cls=OneOrMore,
    metavar="NAME",
    envvar="BEANOPS_SERVER",
    default=("127.0.0.1:11300",),
    shell_complete=complete.servers,
    callback=take,
    help="Server: host[:port], beanstalks://host[:port], ssh://jump/host[:port], unix:/path, a profile, or a group"
    " or glob of profiles; repeatable. [env: BEANOPS_SERVER; default: 127.0.0.1:11300]",
)
@click.option("-o", "--output", type=OneOf(["table", "json", "csv"]), default="table", help=spreadsheet.OUTPUT)
@click.option("--json", "output", flag_value="json", help="Same as -o json")
@spreadsheet.option
@click.option("--read-only", is_flag=True, help="Read-only: reject all changes")
@reaching_all
@patience
@click.version_option(beanops.__version__, "-V", "--version", message="beanops %(version)s")
@click.pass_context
def group(ctx: click.Context, server: Servers, output: str, read_only: bool) -> None:
    """Operate beanstalkd: see every tube, act on any job.

    Options that a command shares with this list can be before or after its name.
    """
    shared = {"server": server, "output": output, "read_only": read_only}
    ctx.default_map = dict.fromkeys(COMMANDS, shared)


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : list of str, optional
        Without the program's name; those of the process by default.
    """
    if sys.stdout is None:
        click.echo("beanops: standard output is closed, nothing was done", err=True)
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    if asked := os.environ.get("_BEANOPS_COMPLETE"):
        from beanops.cli import shells

        shells.answer(group, asked, sys.argv[1:] if arguments is None else arguments)
        return 0
    from beanops.cli.ending import listening
    from beanops.session.execution.signals import exit_code

    with listening() as came:
        try:
            code = _run(arguments)
        except (KeyboardInterrupt, OSError):  # such as that the terminal is gone and takes no output
            if not came:
                raise
    return exit_code(came[0]) if came else code


def _run(arguments: list[str] | None) -> int:
    try:
        code = group.main(arguments, prog_name="beanops", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.Abort:
        click.echo("beanops: interrupted", err=True)
        return 130
    except Exception as error:
        from beanops.cli import exits

        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            click.echo(error.format_message(), err=True)
            return exits.USAGE
        code = exits.code_of(error)
        click.echo(exits.line_of(error), err=True)
        return code
