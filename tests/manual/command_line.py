"""Write the manual page on the command line from the help of every command: ``python -m tests.manual.command_line``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from beanops.cli.app import group

PAGE = Path(__file__).parents[2] / "beanops/manual/command-line.md"
_WIDTH = 96
_INTRODUCTION = """\
# Command line

Every command with its options, as `beanops COMMAND --help` prints them. [Finding jobs](finding-jobs.md),
[acting and undo](acting.md) and [the journal](journal.md) explain the commands with examples; the
[recipes](recipes.md) combine them.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | everything was done |
| 1 | some of it was not done or not found, or the output could not be written |
| 2 | usage error: an argument is wrong, and nothing was sent |
| 3 | the server cannot be reached, or is not a beanstalkd server |
| 4 | refused: read-only, not confirmed, or not a terminal and no `--yes` |
| 130, 143, 129 | ended by Ctrl-C, SIGTERM, SIGHUP |

An error is one line on standard error; standard output has results only.

## Output

`-o table` is for people, `-o json` (short: `--json`) and `-o csv` are for programs; some commands also have `jsonl`
and `parquet`. In tables, control characters of bodies and names are made visible. JSON has bodies exactly: as `body`,
or as `body_base64` where the bytes are not UTF-8, beside the decoded `data`. CSV is exact too; `--spreadsheet-safe`
puts a `'` before values that a spreadsheet would run as a formula.

## Completion

`beanops completion SHELL` prints a script for bash, zsh or fish that completes commands, tubes, runs and servers:

```sh
eval "$(beanops completion bash)"
```
"""


def _commands(command: click.Command, words: list[str]) -> Iterator[list[str]]:
    """Yield the words of a command and of the commands below it."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, [*words, name])


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for words in _commands(group, []):
        result = CliRunner().invoke(
            group, [*words, "--help"], prog_name="beanops", terminal_width=_WIDTH, catch_exceptions=False
        )
        help = "\n".join(line.rstrip() for line in result.output.strip().splitlines())
        title = " ".join(["beanops", *words])
        parts.append(f"{'#' * (2 if len(words) < 2 else 3)} {title}\n\n```text\n{help}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
