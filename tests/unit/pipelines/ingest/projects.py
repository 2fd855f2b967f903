"""A user's project, and its runs without a runner and in this process."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tidewright.model import flow, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.ingest import child, outcome
from tidewright.pipelines.lake import branches, catalog
from tidewright.testing import lakes

HEAD = "from tidewright.assets import asset\n"


class Project:
    """``asset(text)`` and ``checks(text)`` write files; ``run`` is one run."""

    def __init__(self, lake: lakes.TempLake, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        self.landing = folder / "landing"
        for name in ("assets", "landing"):
            (folder / name).mkdir()
        self.conn = lake.connect()
        branches.prepare(self.conn)
        self.epoch = catalog.take_lease(self.conn, "ingest", "test")
        self.job = jobs.IngestJob(
            "ingest", flow.Ingest("assets", 15.0, 3600.0), (), lake.job, str(folder),
            str(self.landing), str(folder / "secrets"), str(folder / "status.json"),
        )  # fmt: skip

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *exc: object) -> None:
        self.conn.close()

    def asset(self, text: str, name: str = "rows.py") -> None:
        (self.folder / "assets" / name).write_text(HEAD + text)

    def checks(self, text: str) -> None:
        (self.folder / "checks.py").write_text("import pandera.pandas as pa\n" + text)
        job = self.job
        self.job = jobs.IngestJob(
            job.name, job.ingest, (flow.Audit("checks.py"),), job.lake, job.project, job.landing,
            job.secrets, job.status,
        )  # fmt: skip

    def run(self) -> tuple[outcome.Outcome, branches.Branch]:
        name = branches.make(self.conn, "ingest", self.epoch)
        assert isinstance(name, str)
        news = child.Run(self.job, self.conn, faults.none).run(name)
        branch = branches.find(self.conn, name)
        assert branch is not None
        return news, branch

    def merge(self) -> branches.Branch:
        """A run that is green, merged."""
        news, branch = self.run()
        assert news.state == "green", news.message
        order = branches.Order("ingest", branch.name, uuid4(), self.epoch)
        assert isinstance(branches.merge(self.conn, order), int)
        return branch

    def rows(self, table: str) -> list[tuple[object, ...]]:
        return lakes.by_duckdb(catalog.pointers(self.conn)[table])

    def failed(self) -> str:
        """What is said of a run that fails."""
        news, branch = self.run()
        assert (news.state, branch.state) == ("failed", "failed"), news
        return news.message
