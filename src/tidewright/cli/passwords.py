"""Addresses with a login: the password is asked for, since every account sees arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable
from urllib import parse

import click

from tidewright import api
from tidewright.cli import output


def whole(url: str, has: Callable[[str], bool], *, ask: bool) -> str:
    """The URL with its password: asked for at a terminal (``ask``), else read from a pipe.

    ``has``: whether the URL needs nothing more.
    """
    if has(url):
        if "://" in url and parse.urlsplit(url).password:
            warning = "Warning: a password on the command line is seen by others; leave it out."
            output.say(warning)
        return url
    if ask and sys.stdin.isatty():
        password = str(click.prompt("Password", hide_input=True, err=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    return api.with_password(url, password)
