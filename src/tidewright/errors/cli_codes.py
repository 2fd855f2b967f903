"""Codes of the command line."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "cli.defect": Code(
        "A defect of tidewright",
        "Something happened that no code of ours expected.",
        "Report it with the log file that the message names.",
    ),
    "cli.exists": Code(
        "Something is already there",
        "`init` never writes over a file that it did not make.",
        "Name another folder, or move the file away.",
    ),
    "cli.no_such_code": Code(
        "No such code",
        "`explain CODE` was asked about a code that no error has.",
        "Copy the code from the end of a message's first line.",
    ),
    "cli.no_such_example": Code(
        "No such example",
        "`init --example` was asked for an example that is not packaged.",
        "Choose one of those that the message lists.",
    ),
    "cli.no_such_secret": Code(
        "No such secret",
        "This environment has no secret of that name.",
        "Choose one of those that the message lists.",
    ),
    "cli.not_there": Code(
        "A component that does not run here",
        "`explain ENGINE` was asked about one that this environment does not use.",
        "Name an environment that does with `--env`.",
    ),
    "cli.usage": Code(
        "A wrong command line",
        "An option, an argument or a verb is not one that the command knows.",
        "See `tidewright VERB --help`.",
    ),
}
