"""The command ``tidewright``: finds the verb, and turns every error into text and an exit code.

Imports no verb and no data library until one is used. ``commands`` has the table of verbs,
``failures`` what an error looks like.
"""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import click

from tidewright import __version__, errors
from tidewright.cli import commands, failures


class Verbs(click.Group):
    """The table of verbs as a click group that imports a verb only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands.VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = commands.VERBS.get(cmd_name)
        if verb is None:
            return None
        return cast("click.Command", importlib.import_module(verb.module).command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in commands.VERBS:
            close = difflib.get_close_matches(args[0], list(commands.VERBS), n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"there is no verb {args[0]!r}{meant}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, title in commands.GROUPS.items():
            rows = [(name, v.summary) for name, v in commands.VERBS.items() if v.group == group]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", message="tidewright %(version)s")
def cli() -> None:
    """One typed file describes an open data platform; one command runs it.

    Begin with `tidewright demo`, or with `tidewright init --example bank-cdc` and
    `tidewright up` in its folder.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run one command; returns the exit code."""
    started_in = Path.cwd()
    _leave_cleanly()
    try:
        return _exit_code(cli.main(words, prog_name="tidewright", standalone_mode=False))
    except errors.PlatformError as reason:
        return failures.show(reason, words)
    except click.UsageError as reason:
        return failures.show(failures.usage(reason), words)
    except click.exceptions.Exit as reason:
        return reason.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return failures.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except Exception as reason:  # the top of the CLI: nothing may reach a person as a traceback
        return failures.show(failures.defect(reason, words, started_in), words)


def _leave_cleanly() -> None:
    """A closed terminal, or ``kill``, ends a command as Ctrl-C does; what `nohup` set stays."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _exit_code(answer: object) -> int:
    """A verb may return its exit code, for example 7 when a promise did not hold."""
    return answer if isinstance(answer, int) else 0


def _reader_left() -> int:
    """Whoever read our output has gone: be quiet, also at the interpreter's own last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
