"""Claims granted: which database, role and secret answers what each component needs.

From the grants follow the servers that run, the tasks that create roles and databases on them,
and the connections that components receive. ``source`` in a claim means each managed source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidewright.assemble import backups, flows, names
from tidewright.components.postgres import program as postgres
from tidewright.model import components, jobs, values
from tidewright.model import flow as nouns
from tidewright.model import platform as platforms
from tidewright.spec import load

STORE = "store"
LOG, TOPICS = names.LOG, names.TOPICS
KEPT = ("catalog", "marts")
KEYED = "keyed"


@dataclass(frozen=True, slots=True)
class Place:
    """One database of ours: ``key`` is how claims name it, ``prefix`` begins its secrets."""

    key: str
    server: str
    database: str
    prefix: str
    logical: bool


def places(spec: load.Spec) -> tuple[Place, ...]:
    """Every database that the environment may hold."""
    managed = [n for n, s in spec.document.sources.items() if s.postgres.url is None]
    found = [
        Place(n, names.source_server(n), flows.database(spec, n), names.source_server(n), True)
        for n in managed
    ]
    if flows.topics(spec):
        found.append(Place(TOPICS, LOG, TOPICS, LOG, True))
    kept = (*KEPT, KEYED) if flows.keeps_views(spec) else KEPT
    if flows.has_bi(spec):
        kept = (*kept, flows.BI)
    return (*found, *(Place(key, STORE, key, key, False) for key in kept))


def granted(
    spec: load.Spec, claimants: Iterable[components.Component]
) -> tuple[platforms.Grant, ...]:
    """One grant for each claim; a source that is not ours grants nothing."""
    known = places(spec)
    grants = []
    for claimant in claimants:
        for need in claimant.claims:
            wanted = [p for p in known if _answers(p, need)]
            grants += [_grant(claimant.name, need, place) for place in wanted]
    return tuple(grants)


def connections(
    spec: load.Spec, grants: Iterable[platforms.Grant]
) -> Mapping[str, nouns.Connection]:
    """How each grant is reached, by database and access."""
    by_server = {(p.server, p.database): p for p in places(spec)}
    found = {}
    for grant in grants:
        place = by_server[grant.claim.provider, grant.claim.name]
        login = jobs.Login(grant.user, grant.password)
        reached = postgres.connection(place.server, place.database, login)
        found[f"{place.key}.{grant.claim.access}"] = reached
    return found


def servers(spec: load.Spec, grants: tuple[platforms.Grant, ...]) -> tuple[platforms.Service, ...]:
    """The servers that anything was granted on, each with the task that makes its databases."""
    made: list[platforms.Service] = []
    for name in dict.fromkeys(p.server for p in places(spec)):
        mine = tuple(g for g in grants if g.claim.provider == name)
        if mine:
            logical = any(p.logical for p in places(spec) if p.server == name)
            machine = Machine(name, logical, flows.topics(spec), backups.scheduled(spec))
            made += _server(machine, mine)
    return tuple(made)


def task(server: str) -> str:
    """The name of the task that makes roles and databases on a server."""
    return f"grants-{server.removeprefix('source-')}"


def _answers(place: Place, need: components.Need) -> bool:
    return place.logical if need.database == "source" else place.key == need.database


def _grant(claimant: str, need: components.Need, place: Place) -> platforms.Grant:
    claim = platforms.Claim(claimant, "database", place.server, place.database, need.access)
    user = names.role(place.database, need.access)
    return platforms.Grant(claim, user, values.Secret(names.secret(place.prefix, need.access)))


@dataclass(frozen=True, slots=True)
class Machine:
    """A server to run. ``topics``: those of the flow; the log server makes their tables.

    ``keeps_log``: its write-ahead log goes into recovery points.
    """

    name: str
    logical: bool
    topics: tuple[str, ...]
    keeps_log: bool

    @property
    def role(self) -> str:
        """What it is for, in a few words."""
        if self.name == LOG:
            return "the log: topics until the lake holds them"
        return "the source database" if self.logical else "catalog and marts"


def _server(machine: Machine, grants: tuple[platforms.Grant, ...]) -> tuple[platforms.Service, ...]:
    name = machine.name
    admin = values.Secret(f"{name}-admin")
    server = postgres.server(components.Server(name, machine.role, admin, machine.logical))
    reached = postgres.connection(name, postgres.ADMIN, jobs.Login(postgres.ADMIN, admin))
    databases = tuple(
        _database(database, tuple(g for g in grants if g.claim.name == database), machine)
        for database in dict.fromkeys(g.claim.name for g in grants)
    )
    job = jobs.GrantsJob(reached, databases, values.Folder("secrets"), machine.keeps_log)
    return (server, postgres.grants(task(name), job, name))


def _database(name: str, grants: tuple[platforms.Grant, ...], machine: Machine) -> jobs.Database:
    logins = {g.claim.access: jobs.Login(g.user, g.password) for g in grants}
    owner = logins.get("own")
    assert owner is not None, f"somebody has to own the database {name}"
    topics = machine.topics if machine.name == LOG else ()
    readers = (logins.get("capture"), logins.get("read"))
    return jobs.Database(name, owner.user, owner.password, *readers, topics)
