"""The loop of a played source: make changes at a pace, answer requests, report, start over.

The script's functions never run at the same time, so it needs no locks of its own:

    setup(folder)           open or create what is kept; called at each start
    step(changes)           make about so many changes; return how many were made
    answer(path, query)     the JSON value for GET path, or None where there is nothing

The job file is read again when it changes, so the rate follows an edit without a restart.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tidewright.kit import files, ports
from tidewright.model import jobs
from tidewright.pipelines.workload import jobfile, pace, report, script

log = logging.getLogger("serve")
TICK = 0.05
PAUSES = (0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
NAMES = ("setup", "step", "answer")


@dataclass(frozen=True, slots=True)
class Played:
    """The three functions of one loaded file, and which version of the file they are of."""

    version: int
    setup: Callable[[Path], object]
    step: Callable[[int], int]
    answer: Callable[[str, Mapping[str, str]], Any]


class Runner:
    """Keeps one script going and answers for it."""

    def __init__(self, job_file: Path) -> None:
        self.file = jobfile.JobFile(job_file, jobs.ServeJob)
        self.report = report.Report(Path(str(self.job.status)))
        self.played: Played | None = None
        self.lock = threading.Lock()
        self.pace = pace.Pace(time.monotonic())
        self.failures = 0
        self.message = "starting"

    @property
    def job(self) -> jobs.ServeJob:
        """What the job file last said."""
        return self.file.job

    def run(self) -> None:
        """Until the process is told to end."""
        server = self.listen()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            while True:
                self.turn()
        finally:
            server.shutdown()
            self.report.say("stopped", healthy=False, now=True)

    def listen(self) -> ThreadingHTTPServer:
        """A server on loopback that asks the script."""

        class Handler(_Handler):
            runner = self

        server = ThreadingHTTPServer((ports.LOOPBACK, int(str(self.job.port))), Handler)
        server.daemon_threads = True
        return server

    def turn(self) -> None:
        """One tick of changes, or one failed attempt followed by a pause."""
        self.file.changed()
        try:
            made = self._work()
        except Exception as reason:  # the user's script may raise anything at all
            self._fail(reason)
            return
        self.failures = 0
        self.report.say(f"aiming at {self.job.rate:g} changes/s", healthy=True)
        if not made or self.pace.owed < 1:
            time.sleep(TICK)

    def _work(self) -> int:
        with self.lock:
            played = self._ready()
            due = self.pace.due(time.monotonic(), self.job.rate)
            made = int(played.step(due) or 0) if due else 0
        self.pace.made(made)
        self.report.made(made)
        return made

    def _ready(self) -> Played:
        """The loaded script, set up; loaded anew when its file changed."""
        path = Path(str(self.job.script))
        if self.played is None or script.version(path) not in (0, self.played.version):
            self.played = None
            found = load(path)
            found.setup(files.private_folder(Path(str(self.job.folder))))
            self.pace.forgive(time.monotonic())
            self.played = found
        return self.played

    def ask(self, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
        """Status and body for a request."""
        if path == "/healthz":
            return 200, {"ok": True}
        with self.lock:
            if self.played is None:
                return 503, {"error": self.message}
            try:
                found = self.played.answer(path, query)
            except Exception as reason:  # the user's function may raise anything at all
                log.warning("%s", script.failure(Path(str(self.job.script)), reason).finding.line)
                return 500, {"error": str(reason)}
        return (404, {"error": f"no {path} here"}) if found is None else (200, found)

    def _fail(self, reason: Exception) -> None:
        problem = reason if isinstance(reason, script.ScriptFailed) else None
        problem = problem or script.failure(Path(str(self.job.script)), reason)
        self.message = problem.finding.line
        if self.failures == 0:
            log.warning("%s\n%s", self.message, "".join(traceback.format_exception(reason)))
        end = time.monotonic() + PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1
        while time.monotonic() < end:
            self.report.say(self.message, healthy=False)
            time.sleep(TICK)


class _Handler(BaseHTTPRequestHandler):
    """GET alone, JSON alone."""

    runner: Runner
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        status, value = self.runner.ask(asked.path, dict(parse_qsl(asked.query)))
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a line for each request would hide the others."""


def load(path: Path) -> Played:
    """Run the file and take its three functions. Raises ScriptFailed."""
    seen = script.version(path)
    names = script.run(path, NAMES, "setup(folder), step(changes) and answer(path, query)")
    return Played(seen, names["setup"], names["step"], names["answer"])
