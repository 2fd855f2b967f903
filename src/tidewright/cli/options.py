"""Options that several verbs share, as decorators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
FILE = "platform.yaml"


def file(function: F) -> F:
    """``--file PATH``; the parameter is called ``file``."""
    return click.option(
        "--file",
        "-f",
        type=click.Path(path_type=Path),
        default=Path(FILE),
        show_default=True,
        metavar="PATH",
        help="The platform file, or its folder.",
    )(function)


def environment(function: F) -> F:
    """``--env NAME``; the parameter is called ``env``."""
    text = "The environment; else the one that runs, else the first in the file."
    return click.option("--env", "-e", "env", metavar="NAME", default=None, help=text)(function)


def environment_argument(function: F) -> F:
    """The environment as an argument, ``up laptop``, or by ``--env``; ``named`` joins the two."""
    return click.argument("environment", required=False, default=None)(environment(function))


def named(argument: str | None, option: str | None) -> str | None:
    """The environment that was named in either way. Two different ones are a usage error."""
    if argument and option and argument != option:
        raise click.UsageError(f"two environments are named: {argument} and {option}")
    return argument or option


def output(function: F) -> F:
    """``-o table|json|yaml``; the parameter is called ``output_form``."""
    return click.option(
        "--output",
        "output_form",
        "-o",
        type=click.Choice(["table", "json", "yaml"]),
        default="table",
        show_default=True,
        help="How to print the answer.",
    )(function)


def yes(function: F) -> F:
    """``--yes``: agree to what would be asked."""
    return click.option("--yes", "-y", is_flag=True, help="Agree to every question.")(function)


def non_interactive(function: F) -> F:
    """``--non-interactive``: never ask; what needs an answer is refused."""
    return click.option(
        "--non-interactive", is_flag=True, help="Never ask; refuse what needs an answer."
    )(function)


def elsewhere(function: F) -> F:
    """``--from``, ``--endpoint``, ``--region``: ``source`` and how a bucket in it is reached."""
    text = (
        "Where blobs/ and points/ are, when the old platform is gone; for s3://bucket/prefix set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    )
    for add in (
        click.option(
            "--region", default="us-east-1", show_default=True, help="The region of that bucket."
        ),
        click.option("--endpoint", default="", metavar="URL", help="The server of that bucket."),
        click.option("--from", "source", metavar="FOLDER|s3://...", help=text),
    ):
        function = add(function)
    return function
