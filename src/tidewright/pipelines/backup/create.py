"""One recovery point, in numbered steps. Until the last one, nothing of it counts.

1. Each server's data folder, when the last copy is old or its log has a gap.
2. The cut over every store (``cut``), and links to what the lake's tables reach at that cut.
3. The log of each server up to the cut.
4. The lake's new files, fingerprints of what nothing else compares, the project, sealed secrets.
5. The signed point. Then the servers may forget their log.
"""

from __future__ import annotations

import contextlib
import secrets as random
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from tidewright import __version__, errors
from tidewright.model import backups, jobs
from tidewright.pipelines.backup import (
    cut,
    fingerprints,
    lakefiles,
    played,
    project,
    reach,
    servers,
    store,
)
from tidewright.pipelines.backup import making as makings
from tidewright.vault import sealing

Making = makings.Making
Catalog = psycopg.Connection[Any]


def create(making: Making) -> backups.Point:
    """Make a point and return it. Raises StepFailed or Refused; older points stay as they are."""
    began = int(time.time() * 1000)
    last = newest(making.into, making.maker)
    live = {s.name: making.live(s) for s in making.job.servers}
    chains = {name: makings.chain(making, server, last, began) for name, server in live.items()}
    making.fault("bases_stored")
    point = _finish(making, _point(making, live, chains, last))
    making.fault("all_stored")
    making.into.put_point(point, making.maker)
    making.fault("point_written")
    for server in live.values():
        makings.let_go(making, server)
    return point


def newest(into: store.Store, maker: sealing.Maker) -> backups.Point | None:
    """The newest point that can be read; what is wrong with others is ``proof``'s business."""
    checker = sealing.Checker(maker.public)
    for identity in reversed(into.ids()):
        with contextlib.suppress(errors.PlatformError):
            return into.point(identity, checker)
    return None


def _point(
    making: Making,
    live: Mapping[str, servers.Live],
    chains: Mapping[str, makings.Chain],
    last: backups.Point | None,
) -> backups.Point:
    """Steps 2 to 4. The views of the cut stay open until everything is told by them."""
    job, into = making.job, making.into
    with (
        _pins(job) as pins,
        cut.taken(job, live, making.say, pins) as found,
        played.copied(job, making.scratch) as world,
    ):
        catalog = found.views[_catalog_key(job)] if job.lake else None
        if pins is not None and catalog is not None:
            pins.add(lakefiles.tables(lakefiles.pointers(catalog)))
        making.fault("cut_taken")
        flows = _flows(job, found, catalog) if catalog is not None else ()
        parts = tuple(_server(making, s, chains[n], found) for n, s in live.items())
        making.fault("log_stored")
        before = into.tree(last.lake) if last and last.lake else None
        lake = _lake(making, pins.found, before) if pins is not None else None
        past = into.tree(last.played) if last and last.played else None
        outside = played.put(into, world, past) if job.played else None
        seen = tuple(
            one
            for (name, database), view in found.views.items()
            for one in fingerprints.of_database(view, name, database)
        )
    tree = project.put(into, Path(str(job.project)), making.outside)
    sealed, names = project.seal(into, making.secrets, making.maker)
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(found.at_ms / 1000))
    return backups.Point(
        id=f"{moment}-{random.token_hex(2)}",
        sequence=last.sequence + 1 if last else 1,
        previous=last.id if last else None,
        platform=job.platform, environment=job.environment, platform_id=making.platform_id,
        tool=__version__, at_ms=found.at_ms, done_ms=0, servers=parts, flows=flows,
        lake=into.put_tree(lake, "lake") if lake else None,
        lake_root=str(job.lake.warehouse) if job.lake else "",
        catalog="/".join(_catalog_key(job)) if job.lake else "",
        project=into.put_tree(tree, "project"), file=job.file,
        secrets=sealed, secret_names=names, fingerprints=seen, bytes=0, added=0,
        played=into.put_tree(outside, "played") if outside else None,
    )  # fmt: skip


def _finish(making: Making, point: backups.Point) -> backups.Point:
    """The point with its sizes and its end."""
    size = sum(f.stored for f in reach.blobs(making.into, point).values())
    done = int(time.time() * 1000)
    return replace(point, bytes=size, added=making.into.counted.added, done_ms=done)


def _server(
    making: Making, live: servers.Live, chain: makings.Chain, found: cut.Cut
) -> backups.Server:
    name = live.server.name
    target = found.targets[name]
    whole = makings.extended(making, live, chain, target)
    log = making.into.put_tree(backups.Tree(whole.log), f"{name}/log")
    captured = name in cut.captured_servers(making.job).values()
    return backups.Server(name, whole.system_id, whole.base, log, target, captured)


def _lake(making: Making, pins: Mapping[Path, Path], before: backups.Tree | None) -> backups.Tree:
    assert making.job.lake is not None
    return lakefiles.put(making.into, Path(str(making.job.lake.warehouse)), pins, before)


def _pins(job: jobs.BackupJob) -> contextlib.AbstractContextManager[lakefiles.Pins | None]:
    """Links to the lake's files for as long as the run needs them."""
    if job.lake is None:
        return contextlib.nullcontext()
    return lakefiles.Pins(Path(str(job.lake.warehouse)))


def _flows(job: jobs.BackupJob, found: cut.Cut, catalog: Catalog) -> tuple[backups.Flow, ...]:
    """The lake's flows at the cut; a captured one must stand exactly at its server's mark."""
    followed = cut.captured_servers(job)
    named = {c.name: (c.source.slot, c.source.publication) for c in job.captures}
    flows = []
    for commit in lakefiles.commits(catalog):
        server = followed.get(commit.flow)
        reason = found.late.get(commit.flow, "")
        if not reason and server is not None and found.targets[server] != commit.position:
            reason = f"the lake stands at {commit.position}, the server at {found.targets[server]}"
        flows.append(
            backups.Flow(
                commit.flow, commit.id, commit.kind, commit.source, commit.position,
                commit.tables, server, not reason, reason, *named.get(commit.flow, ("", "")),
            )
        )  # fmt: skip
    return tuple(flows)


def _catalog_key(job: jobs.BackupJob) -> tuple[str, str]:
    """The server and database of the catalog."""
    assert job.lake is not None
    there = job.lake.catalog
    same = (s.name for s in job.servers if (s.admin.host, s.admin.port) == (there.host, there.port))
    return next(same), there.database
