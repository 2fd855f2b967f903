"""The bundled PostgreSQL: where its programs are, and what is said when it is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import tidewright
from tidewright.clients import pgserver


def test_its_programs_are_there_and_run() -> None:
    done = subprocess.run(
        [pgserver.program("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    assert "PostgreSQL) 18" in done.stdout


def test_an_environment_without_it_is_told_what_to_install() -> None:
    """A Python that sees our own code and none of the installed packages."""
    code = (
        "from tidewright import errors\n"
        "from tidewright.clients import pgserver\n"
        "try: pgserver.home()\n"
        "except errors.Unsupported as found: print(found.code, found.hint)\n"
    )
    source = str(Path(tidewright.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip
    code, _, hint = done.stdout.partition(" ")
    assert code == "local.no_postgres"
    assert "pip" in hint
