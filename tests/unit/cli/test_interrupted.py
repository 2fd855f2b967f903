"""Ctrl-C before the command has begun: a word and the code of an interruption, no traceback."""

import subprocess
import sys

import pytest

INTERRUPTED = """
import builtins, sys
real = builtins.__import__
def interrupted(name, *rest, **more):
    if name == {name!r}:
        raise KeyboardInterrupt
    return real(name, *rest, **more)
builtins.__import__ = interrupted
sys.argv = ["tidewright", "explain"]
from tidewright import __main__
__main__.main()
"""


@pytest.mark.parametrize("name", ["tidewright.cli", "click"])
def test_while_the_program_is_loaded(name: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED.format(name=name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
