"""The process: what it says when it cannot start, and that SIGTERM is a clean end."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from tests.unit.console import served

from tidewright import errors
from tidewright.console import __main__ as program
from tidewright.model import codec, jobs


def test_a_job_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    for content in ("{}", "not json", '{"is": "CaptureJob"}'):
        file.write_text(content)
        with pytest.raises(errors.SpecError, match=re.escape("console.job")):
            program.read_job(file)


def test_a_port_in_use_is_refused_by_name() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(errors.Refused, match=re.escape("console.port_in_use")):
            program.listen(other.getsockname()[1])


def test_the_process_serves_without_data_libraries_and_ends_with_0(tmp_path: Path) -> None:
    listener = program.listen(0)
    port = listener.getsockname()[1]
    listener.close()
    secrets = served.make_secrets(tmp_path / "secrets")
    job = jobs.ConsoleJob("platform.yaml", "laptop", str(tmp_path), port, str(secrets), "bank")
    (tmp_path / "job.json").write_text(codec.dumps(job))
    argv = [sys.executable, "-m", "tidewright.console", "--job", str(tmp_path / "job.json")]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE)
    try:
        assert health(port) == b"ok\n"
        libraries = Path(f"/proc/{process.pid}/maps").read_text() if sys.platform == "linux" else ""
        assert not [n for n in ("duckdb", "pyarrow", "numpy", "llvmlite") if f"/{n}" in libraries]
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert (process.returncode, b"Traceback" in log) == (0, False)


def health(port: int) -> bytes:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
                return reply.read()
        except OSError:
            time.sleep(0.05)
    return b""
