"""Claims granted: which database, role and secret answers what each component needs.

From the grants follow the servers that run, the tasks that create roles and databases on them,
and the connections that components receive. ``source`` in a claim means each managed source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidewright.assemble import flows, names
from tidewright.components.postgres import program as postgres
from tidewright.model import components, jobs, values
from tidewright.model import flow as nouns
from tidewright.model import platform as platforms
from tidewright.spec import load

STORE = "store"
KEPT = ("catalog", "marts")


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
    return (*found, *(Place(key, STORE, key, key, False) for key in KEPT))


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
            made += _server(name, logical, mine)
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


def _server(
    name: str, logical: bool, grants: tuple[platforms.Grant, ...]
) -> tuple[platforms.Service, ...]:
    admin = values.Secret(f"{name}-admin")
    role = "the source database" if logical else "catalog and marts"
    server = postgres.server(components.Server(name, role, admin, logical))
    reached = postgres.connection(name, postgres.ADMIN, jobs.Login(postgres.ADMIN, admin))
    databases = tuple(
        _database(database, tuple(g for g in grants if g.claim.name == database))
        for database in dict.fromkeys(g.claim.name for g in grants)
    )
    job = jobs.GrantsJob(reached, databases, values.Folder("secrets"))
    return (server, postgres.grants(task(name), job, name))


def _database(name: str, grants: tuple[platforms.Grant, ...]) -> jobs.Database:
    logins = {g.claim.access: jobs.Login(g.user, g.password) for g in grants}
    owner = logins.get("own")
    assert owner is not None, f"somebody has to own the database {name}"
    return jobs.Database(
        name, owner.user, owner.password, logins.get("capture"), logins.get("read")
    )
