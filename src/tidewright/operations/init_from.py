"""``init --from postgres://...``: reads an existing database and writes a file for it.

Only reads there. The URL becomes a stored secret; the file holds its name. Tables that cannot be
captured are listed as comments, each with the reason.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib import parse

from tidewright import errors
from tidewright.clients import postgres
from tidewright.kit import files
from tidewright.model import flow, values
from tidewright.operations import init
from tidewright.pipelines.feeds import session, tables
from tidewright.spec import fields
from tidewright.targets.local import layout
from tidewright.vault import files as vault

ENVIRONMENT = "laptop"
RAW = "raw_data"
# Views and what extensions brought are no tables of the user's; views are named all the same.
_TABLES = """
select n.nspname || '.' || c.relname, n.nspname like '%.%'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'f', 'v', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the database, and why it cannot be captured, if so."""

    name: str
    reason: str | None


def has_password(url: str) -> bool:
    """Whether the URL needs nothing more. Raises Refused for one that is no PostgreSQL URL."""
    return "password" in postgres.url_parts(url)


def with_password(url: str, password: str) -> str:
    """The URL with a password in it, quoted as a URL needs."""
    parts = parse.urlsplit(url)
    user, _, place = parts.netloc.rpartition("@")
    login = f"{user.partition(':')[0]}:{parse.quote(password, safe='')}"
    return parse.urlunsplit(parts._replace(netloc=f"{login}@{place}"))


def init_from_database(
    url: str, folder: Path | None = None, platform: str | None = None
) -> init.Made:
    """Write ``platform.yaml`` for the database behind ``url``, and keep the URL as a secret.

    ``platform``: what it is called, and its folder when that is absent; else the database's name.
    """
    if platform is not None:
        init.refuse_no_name(platform)
    name = word(postgres.url_parts(url)["dbname"])
    target = Path(platform or name) if folder is None else folder
    init.refuse_existing(target, [init.FILE])
    secret = secret_of(name)
    text = _file(name, secret, read(url, secret), platform or name)
    with layout.refusing(target):
        target.mkdir(parents=True, exist_ok=True)
        files.replace(target / init.FILE, text)
    place = layout.create(target, ENVIRONMENT)
    vault.write(place.secrets, secret, url)
    return init.Made(target, (init.FILE,))


def secret_of(name: str) -> str:
    """The name of the secret that holds a URL."""
    return f"{name.replace('-', '_')}_url"


def read(url: str, secret: str) -> tuple[Table, ...]:
    """Every table of the database, judged. ``secret``: what errors call the URL."""
    with tempfile.TemporaryDirectory(prefix="tidewright-") as spare:
        vault.write(spare, secret, url)
        theirs = flow.Connection("", 0, "", "", None, url=values.Secret(secret))
        link = session.Session(theirs, spare)
        try:
            return tuple(_judged(link, link.ask(_TABLES)))
        except errors.PlatformError as reason:
            if reason.code != "source.password":
                raise
            raise errors.Refused(
                reason.code, reason.what, "the URL", "Nothing was written: correct it and repeat."
            ) from None
        finally:
            link.close()


def _judged(link: session.Session, found: session.Rows) -> Iterator[Table]:
    taken: set[str] = set()
    for name, dotted in found:
        schema, _, short = name.partition(".")
        if dotted or not fields.TABLE.fullmatch(name):
            reason: str | None = "its schema has a dot in its name, or it has control characters"
        elif schema == RAW:
            reason = f"the schema {RAW} is kept for raw changes"
        elif short.casefold() in taken:
            reason = f"another table is called {short}, and raw changes lie under that name"
        else:
            reason = tables.describe(link, name).reason
        if reason is None:
            taken.add(short.casefold())
        yield Table(name, reason)


def capturable(name: str, found: tuple[Table, ...]) -> tuple[str, ...]:
    """The tables that can be captured. Raises Refused where there is none."""
    good = tuple(t.name for t in found if t.reason is None)
    if not good:
        raise errors.Refused(
            "source.nothing_to_capture",
            "the database has no table that can be captured",
            f"database {name}",
            "Give its tables primary keys; a table without one cannot be followed.",
        )
    return good


def _file(name: str, secret: str, found: tuple[Table, ...], platform: str) -> str:
    good = capturable(name, found)
    lines = [
        f"# Written by `tidewright init --from` for the database {name}. Check it, then start it:",
        "# tidewright check, tidewright up",
        "tidewright: 0",
        f"platform: {platform}",
        "",
        "sources:",
        f"  {name}: {{postgres: {{url: {{secret: {secret}}}}}}}",
        "",
        "flow:",
        "  - capture:",
        f"      from: {name}",
        f"      to: {RAW}",
        "      tables:",
        *(f"        - {_scalar(t)}" for t in good),
        *(f"        # - {_quiet(t.name)}: {t.reason}" for t in found if t.reason),
        "",
        "run:",
        f"  {ENVIRONMENT}: embedded",
    ]
    return "\n".join(lines) + "\n"


def word(database: str) -> str:
    """The database's name as a name of the file."""
    found = re.sub(r"[^a-z0-9_]+", "-", database.lower()).strip("-_")
    found = found if found[:1].isalpha() else f"db-{found}"
    return found.rstrip("-")[: fields.LONGEST_NAME]


def _scalar(name: str) -> str:
    """A table as YAML: quoted unless it is plain to everyone."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*", name)
    return name if plain else json.dumps(name, ensure_ascii=False)


def _quiet(name: str) -> str:
    """A name that cannot end its comment."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "?", name)
