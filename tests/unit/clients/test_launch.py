"""Becoming a program: its files hold secrets, are the owner's alone, and the rest holds none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tidewright.clients import launch
from tidewright.model import codec, native, values
from tidewright.vault import files as vault


def test_secrets_come_in_at_the_last_moment(tmp_path: Path) -> None:
    vault.write(tmp_path, "key", "hush")
    private = values.Private(("a=", values.Secret("key"), "\nport=", 7, "\n"))
    assert launch.text(private, tmp_path) == "a=hush\nport=7\n"


def test_the_process_is_the_program(tmp_path: Path) -> None:
    vault.write(tmp_path / "secrets", "key", "hush")
    show = "import json, os, sys; print(json.dumps([sys.argv, os.getpid(), os.environ['NAME']]))"
    job = native.LaunchJob(
        argv=(sys.executable, "-c", show, "word"),
        folder=str(tmp_path / "run"),
        files={"deep/conf": values.Private((values.Secret("key"),))},
        secrets=str(tmp_path / "secrets"),
        env={"NAME": "value"},
    )
    (tmp_path / "job.json").write_text(codec.dumps(job))
    argv = [sys.executable, "-P", "-m", "tidewright.clients.launch", "--job"]
    process = subprocess.Popen([*argv, tmp_path / "job.json"], stdout=subprocess.PIPE)
    words, pid, name = json.loads(process.communicate()[0])
    assert (words[1:], pid, name) == (["word"], process.pid, "value")
    file = tmp_path / "run" / "deep" / "conf"
    assert file.read_text() == "hush" and file.stat().st_mode & 0o077 == 0
    assert "hush" not in (tmp_path / "job.json").read_text()
