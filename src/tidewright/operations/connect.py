"""``connect``: how to reach what runs, from psql to pandas; one secret alone; storing a secret.

Snippets name secrets and never hold one: the commands fetch them when they are run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import jobs
from tidewright.operations import project, state
from tidewright.targets.local import layout, ports, resolve
from tidewright.vault import files as vault


@dataclass(frozen=True, slots=True)
class Reached:
    """One endpoint: its URL, who logs in, and the name of the secret for it."""

    name: str
    url: str
    user: str | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines to paste. ``into``: psql, JDBC, DuckDB or Python."""

    into: str
    reaches: str
    text: str


@dataclass(frozen=True, slots=True)
class Connections:
    """Everything one can connect to in an environment."""

    environment: str
    endpoints: tuple[Reached, ...]
    snippets: tuple[Snippet, ...]


def connections(environment: state.Environment) -> Connections:
    """Endpoints and snippets of an environment that was up before."""
    resolver = resolve.Resolver(environment.place, ports.read(environment.place.root))
    reached = tuple(
        Reached(e.name, resolver.text(e.url), e.user, e.secret)
        for e in environment.applied.endpoints
    )
    own = (*_by_key(environment, reached), *_delta(environment, resolver))
    return Connections(environment.name, reached, (*_snippets(reached), *own))


def secret(environment: state.Environment, name: str) -> str:
    """One secret of an environment. Raises SpecError for a name that it does not have."""
    known = (*environment.applied.secrets, *environment.applied.asked)
    if name not in known:
        where = errors.Where("--secret")
        what = f"the environment {environment.name} has no secret {name}"
        hint = f"Known here: {', '.join(known)}."
        raise errors.SpecError((errors.Finding("cli.no_such_secret", what, where, hint),))
    return vault.read(environment.place.secrets, name)


def store_secret(file: Path, name: str, value: str, asked: str | None = None) -> str:
    """Keep a secret that only the user can give. Returns the environment that it belongs to."""
    found = project.load(file, asked)
    if name not in found.platform.asked:
        known = ", ".join(found.platform.asked) or "none"
        where = errors.Where("--set-secret")
        what = f"the file asks for no secret called {name}"
        finding = errors.Finding("cli.no_such_secret", what, where, f"It asks for: {known}.")
        raise errors.SpecError((finding,))
    if name in _urls(found):
        postgres.url_parts(value)
    place = layout.create(found.folder, found.environment)
    vault.write(place.secrets, name, value)
    return found.environment


def _urls(found: project.Project) -> set[str]:
    """The secrets that hold the URL of a server; others are credentials of some other form."""
    servers = (source.postgres for source in found.spec.document.sources.values())
    return {one.url.secret for one in servers if one.url is not None}


def _snippets(reached: tuple[Reached, ...]) -> Iterator[Snippet]:
    by_name = {r.name: r for r in reached}
    for name in ("marts", "source", "keyed"):
        if name in by_name:
            yield _psql(by_name[name])
    if "marts" in by_name:
        yield _jdbc(by_name["marts"])
        yield _pandas(by_name["marts"])
    if "catalog.rest" in by_name:
        yield _duckdb(by_name["catalog.rest"])
    if {"catalog.sql", "catalog.warehouse"} <= by_name.keys():
        yield _pyiceberg(by_name["catalog.sql"], by_name["catalog.warehouse"])


def _psql(to: Reached) -> Snippet:
    text = f"PGPASSWORD=$(tidewright connect --secret {to.secret}) psql {_with_user(to)}"
    return Snippet("psql", to.name, text)


def _by_key(environment: state.Environment, reached: tuple[Reached, ...]) -> Iterator[Snippet]:
    """One for each view that a stream keeps, with its own name and key."""
    found = [s.process.job for s in environment.applied.services]
    streams = [job.stream for job in found if isinstance(job, jobs.StreamJob)]
    for to in (r for r in reached if r.name == "keyed"):
        for view in (view for stream in streams for view in stream.views):
            wanted = " and ".join(f"{name} = %s" for name in view.key)
            lines = (
                "import psycopg, subprocess",
                _password(to),
                f'with psycopg.connect("{_with_user(to)}", password=password) as conn:',
                f'    query = "select * from {view.table} where {wanted}"',  # noqa: S608  to read
                f"    row = conn.execute(query, [{', '.join(view.key).upper()}]).fetchone()",
            )
            yield Snippet("Python, by key", view.table, "\n".join(lines))


def _delta(environment: state.Environment, resolver: resolve.Resolver) -> Iterator[Snippet]:
    """One for the Delta tables that each cutter of sessions lands."""
    found = [s.process.job for s in environment.applied.services]
    for job in (job for job in found if isinstance(job, jobs.SessionsJob)):
        place = f"{resolver.text(job.delta)}/{job.stage.to}"
        lines = (
            "from deltalake import DeltaTable",
            f'rows = DeltaTable("{place}/sessions").to_pyarrow_table()  # or events, late_events',
        )
        yield Snippet("Delta", job.stage.to, "\n".join(lines))


def _jdbc(to: Reached) -> Snippet:
    text = f"jdbc:{to.url}?user={to.user}   (password: tidewright connect --secret {to.secret})"
    return Snippet("JDBC", to.name, text)


def _pandas(to: Reached) -> Snippet:
    lines = (
        "import pandas, psycopg, subprocess",
        _password(to),
        f'with psycopg.connect("{_with_user(to)}", password=password) as conn:',
        '    frame = pandas.read_sql("select * from MART", conn)',
    )
    return Snippet("pandas", to.name, "\n".join(lines))


def _duckdb(to: Reached) -> Snippet:
    lines = (
        "install iceberg; load iceberg; install httpfs; load httpfs;",
        f"create secret (type iceberg, token 'TOKEN');  -- tidewright connect --secret {to.secret}",
        f"attach 'lake' as lake (type iceberg, endpoint '{to.url}');",
    )
    return Snippet("DuckDB", to.name, "\n".join(lines))


def _pyiceberg(catalog: Reached, warehouse: Reached) -> Snippet:
    scheme, _, rest = catalog.url.partition("://")
    uri = f"{scheme}+psycopg://{catalog.user}:{{password}}@{rest}"
    lines = (
        "import subprocess",
        "from pyiceberg.catalog.sql import SqlCatalog",
        _password(catalog),
        f'lake = SqlCatalog("lake", uri=f"{uri}", warehouse="{warehouse.url}")',
        'table = lake.load_table("SCHEMA.TABLE")',
        "rows = table.scan().to_arrow()  # or to_pandas(), or polars.scan_iceberg(table).collect()",
    )
    return Snippet("PyIceberg", catalog.name, "\n".join(lines))


def _password(to: Reached) -> str:
    """A line of Python that fetches a secret when it runs, so that no file or history holds it."""
    argv = f'["tidewright", "connect", "--secret", "{to.secret}"]'
    return f"password = subprocess.check_output({argv}, text=True).strip()"


def _with_user(to: Reached) -> str:
    scheme, _, rest = to.url.partition("://")
    return f"{scheme}://{to.user}@{rest}"
