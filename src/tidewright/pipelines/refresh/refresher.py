"""One refresh: pin a commit, point the views at it, build, check, and publish or hold back.

Whatever goes wrong in the user's files becomes an outcome with file and line; the marts stay as
last published. A pinned file that expired meanwhile means that we were slow: pin again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import jobs, observed
from tidewright.pipelines.lake import reader
from tidewright.pipelines.publish import mart, publisher
from tidewright.pipelines.refresh import commits, freshness, outcome, rebuilt
from tidewright.pipelines.transform import checks, embedded, engine, messages, project, trino
from tidewright.pipelines.transform import files as edits
from tidewright.vault import files as vault

ATTEMPTS = 3
GONE = re.compile(
    r"No files found|Cannot open file|No such file|could not be opened|snapshot ID does not exist",
    re.IGNORECASE,
)


class HeldBack(Exception):
    """The marts stay as they are; ``findings`` and ``checks`` say why."""

    def __init__(
        self, texts: Sequence[str], states: tuple[observed.CheckState, ...] | None = None
    ) -> None:
        super().__init__("; ".join(texts))
        self.checks = states


class Refresher:
    """Holds what is expensive to make: the engine, the parsed project, the sessions."""

    def __init__(self, job: jobs.RefreshJob, progress: outcome.Progress) -> None:
        self.job = job
        self.progress = progress
        root = Path(str(job.project))
        self._conn: psycopg.Connection[Any] | None = None
        self.check_folders = [root / check.folder for check in job.checks]
        self.folders = [root / job.transform.folder, *self.check_folders]
        scratch = files.private_folder(Path(str(job.scratch)))
        self.engine = self._engine(scratch)
        self.project = project.Project(self.folders[0], scratch, self.engine, job.transform.layers)
        self.publisher = publisher.Publisher(
            lambda: postgres.connect(job.marts, str(job.secrets), connect_timeout=3)
        )
        self.watch = rebuilt.Watch(self.folders, scratch)
        self.parsed: project.Parsed | None = None
        self.invalid: errors.PlatformError | None = None
        self.edition: int | None = None

    def _engine(self, scratch: Path) -> engine.Engine:
        """What runs the models here."""
        if self.job.trino is None:
            return embedded.Embedded(scratch)
        secrets = str(self.job.secrets)
        return trino.Trino(self.job.trino, self.catalog, lambda name: vault.read(secrets, name))

    def catalog(self) -> psycopg.Connection[Any]:
        """The session that asks for commits. Raises the client's errors when it is not there."""
        if self._conn is None or self._conn.closed:
            connection = self.job.lake.catalog
            self._conn = postgres.connect(connection, str(self.job.secrets), connect_timeout=3)
        return self._conn

    def is_edited(self) -> bool:
        """Whether the project or a check changed since it was last read."""
        return edits.fingerprint(self.folders) != self.edition

    def saw(self, tried: Mapping[str, int]) -> None:
        """Do not try these commits again by themselves."""
        self.progress = replace(self.progress, seen={**self.progress.seen, **tried})

    def parse(self) -> None:
        """Read the project, unless it was read as it is. Raises what is wrong with it."""
        if self.is_edited():
            self.edition = edits.fingerprint(self.folders)
            self.watch.read()
            self.parsed = self.invalid = None
            try:
                self.parsed = self._known(self.project.parse())
            except errors.PlatformError as reason:
                self.invalid = reason
        if self.invalid is not None:
            raise self.invalid

    def run(self) -> outcome.Outcome:
        """One attempt at the newest commit."""
        started = time.monotonic()
        try:
            self.parse()
            return self._run(started)
        except HeldBack as reason:
            return self._held(str(reason), reason.checks)
        except errors.PlatformError as reason:
            return self._held(str(reason.finding), None, again=isinstance(reason, errors.Transient))

    def _run(self, started: float) -> outcome.Outcome:
        for attempt in range(ATTEMPTS):
            pinned = reader.pin_each(self.catalog(), self.job.lands)
            missing = self._missing(pinned)
            if pinned is None or missing:
                return outcome.Outcome("waiting", _waiting_for(missing), self.progress)
            try:
                return self._publish(pinned, self._build(pinned), started)
            except HeldBack as reason:
                if attempt + 1 == ATTEMPTS or not GONE.search(str(reason)):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _missing(self, pinned: reader.Pinned | None) -> tuple[str, ...]:
        there = pinned.tables if pinned else {}
        wanted = self.parsed.sources if self.parsed else ()
        return tuple(name for name in wanted if name not in there)

    def _build(self, pinned: reader.Pinned) -> tuple[observed.CheckState, ...]:
        """Models, their tests, the checks. Raises HeldBack when one of them does not hold."""
        try:
            self.engine.point(pinned.tables)
        except engine.QueryFailed as reason:
            raise HeldBack([f"the lake cannot be read: {messages.sentence(str(reason))}"]) from None
        built = self.project.build()
        checked = [checks.run(folder, self.engine) for folder in self.check_folders]
        states = built.checks + tuple(s for c in checked for s in c.checks)
        problems = built.problems + tuple(p for c in checked for p in c.problems)
        texts = [str(p) for p in problems] or list(checks.failing(states))
        if texts:
            raise HeldBack(texts, states)
        return states

    def _publish(
        self, pinned: reader.Pinned, states: tuple[observed.CheckState, ...], started: float
    ) -> outcome.Outcome:
        origin = mart.Origin(pinned.commit_id, pinned.position, pinned.source)
        try:
            done = self.publisher.publish(self._marts(), origin)
        except (engine.QueryFailed, pa.ArrowException, OSError) as reason:
            raise HeldBack([f"a mart cannot be read: {messages.sentence(str(reason))}"]) from None
        edited = self.watch.published(done.before, done.marts)
        now = time.time_ns() // 1_000_000
        before = self.progress
        brought = commits.included(self.catalog(), before.published, pinned.heads, before.since_ms)
        self.progress = outcome.Progress(pinned.heads, pinned.heads, before.since_ms)
        return outcome.Outcome(
            "published",
            "; ".join([f"the marts show commit {pinned.commit_id}", *edited, *done.notes]),
            self.progress,
            position=pinned.position,
            seconds=round(time.monotonic() - started, 3),
            checks=states,
            marts=done.marts,
            ages=freshness.ages(brought, now),
            edited="".join(edited),
        )

    def _marts(self) -> list[mart.Mart]:
        models = self.parsed.models if self.parsed else {}
        found = [models[name] for name in _published(self.job)]
        return [self.engine.mart(m) for m in found]

    def _known(self, parsed: project.Parsed) -> project.Parsed:
        """The same project, if it has every model that ``publish`` names."""
        unknown = [name for name in _published(self.job) if name not in parsed.models]
        if unknown:
            raise errors.Refused(
                "refresh.unknown_mart",
                f"the project has no model {', '.join(unknown)}; "
                f"it has {', '.join(sorted(parsed.models)) or 'none'}",
                "publish.tables",
                "Correct the name in the platform file, or add the model.",
            )
        return parsed

    def _held(
        self, text: str, states: tuple[observed.CheckState, ...] | None, *, again: bool = False
    ) -> outcome.Outcome:
        return outcome.Outcome("degraded", text, self.progress, checks=states, again=again)


def _published(job: jobs.RefreshJob) -> list[str]:
    return [name for stage in job.publish for name in stage.tables]


def _waiting_for(missing: tuple[str, ...]) -> str:
    if missing:
        return f"waiting for the first copy of {', '.join(missing)}"
    return "waiting for the first commit of the lake"
