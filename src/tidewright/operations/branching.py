"""``branch``: what runs left beside main, merged or dropped by hand; and a branch to be queried."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import uuid4

import psycopg

from tidewright import errors
from tidewright.model import jobs, observed
from tidewright.operations import lakeside, state
from tidewright.pipelines.lake import branches, reader


@dataclass(frozen=True, slots=True)
class BranchLine:
    """One branch. ``age``: seconds since it was made; ``base``: the commit of main it is made from;
    ``added``: rows by its run; ``checks`` are those that failed, or all when none did.
    """

    name: str
    state: str
    age: int
    base: int | None
    tables: tuple[str, ...]
    added: int
    checks: tuple[observed.CheckState, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: the commit of main, and the tables that it moved."""

    branch: str
    commit: int
    tables: tuple[str, ...]


def branch_list(
    environment: state.Environment, *, everything: bool = False
) -> tuple[BranchLine, ...]:
    """The branches that are there, newest first; ``everything``: merged and dropped ones too."""
    job = _job(environment)
    with lakeside.asked(environment, job) as conn:
        found = branches.every(conn, job.name, gone=everything)
    return tuple(_line(branch) for branch in reversed(found))


def branch_merge(environment: state.Environment, name: str) -> Merged:
    """Publish a green branch. Raises Refused when it is not green, or main moved under it."""
    job = _job(environment)
    with lakeside.asked(environment, job) as conn:
        branch = _known(conn, job, name)
        done = branches.merge(conn, branches.Order(job.name, name, uuid4()))
        if isinstance(done, branches.Wrong):
            raise _refused(job, name, done)
    return Merged(name, done, tuple(branch.touched))


def branch_drop(environment: state.Environment, name: str) -> float:
    """Remove a branch; returns the seconds after which its files go, when no reader has them."""
    job = _job(environment)
    with lakeside.asked(environment, job) as conn:
        branch = _known(conn, job, name)
        if branch.state == "running":
            raise errors.Refused(
                "lake.branch_busy", "its run still writes it", f"branch {name}",
                "Wait for the run to end: `tidewright branch list` shows it.",
            )  # fmt: skip
        if not branches.end(conn, name, "dropped", f"{branch.message} (dropped by hand)"):
            raise _unknown(conn, job, name)
    return job.grace


def pinned(environment: state.Environment, name: str) -> reader.Pinned:
    """A branch as readers see it. Raises SpecError for one that is not there."""
    job = _job(environment)
    with lakeside.asked(environment, job) as conn:
        branch = _known(conn, job, name)
    base, flow = branch.base or 0, branch.flow
    return reader.Pinned(base, flow, name, flow, None, branch.tables, {flow: base})


def _job(environment: state.Environment) -> jobs.IngestJob:
    for _, found in lakeside.of_kind(environment, jobs.IngestJob):
        return found
    raise errors.Refused(
        "lake.no_job", "this environment has no branches: its flow has no ingest step",
        f"environment {environment.name}", "See examples/branching-lakehouse for one that has.",
    )  # fmt: skip


def _known(conn: psycopg.Connection, job: jobs.IngestJob, name: str) -> branches.Branch:
    found = next((b for b in branches.every(conn, job.name) if b.name == name), None)
    if found is None:
        raise _unknown(conn, job, name)
    return found


def _unknown(conn: psycopg.Connection, job: jobs.IngestJob, name: str) -> errors.SpecError:
    known = {b.name: b for b in branches.every(conn, job.name, gone=True)}
    there = ", ".join(n for n, b in known.items() if b.state not in branches.GONE) or "none"
    what = f"it is {known[name].state}" if name in known else "there never was one of that name"
    hint = f"Branches here: {there}. See: tidewright branch list --all"
    finding = errors.Finding("lake.no_such_branch", what, errors.Where(f"branch {name}"), hint)
    return errors.SpecError((finding,))


def _refused(job: jobs.IngestJob, name: str, wrong: branches.Wrong) -> errors.Refused:
    where = f"branch {name}"
    if wrong.reason == "conflict":
        again = f"Drop it; the next run, within {job.ingest.every:g} s, makes its rows again"
        hint = f"{again} from main as it is now: tidewright branch drop {name}"
        return errors.Refused("lake.branch_stale", wrong.detail, where, hint)
    look = f'Look at it: tidewright query --ref {name} "select ..."; then drop it.'
    return errors.Refused("lake.branch_not_green", wrong.detail, where, look)


def _line(branch: branches.Branch) -> BranchLine:
    failed = tuple(c for c in branch.checks if not c.ok)
    return BranchLine(
        branch.name, branch.state, max(0, int(time.time() - branch.made_ms / 1000)), branch.base,
        tuple(sorted(branch.touched)), sum(t.added for t in branch.touched.values()),
        failed or branch.checks, branch.message,
    )  # fmt: skip
