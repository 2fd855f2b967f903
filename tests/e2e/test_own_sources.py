"""A PostgreSQL of the user's own, of every supported version: from ``init --from`` to ``destroy``.

The server begins as servers are: nothing is prepared. What ``check`` prints is run as it stands,
until ``check`` is content; all of it over TLS, at a server that admits nothing else.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import servers
from tests.e2e.bank import Bank
from tidewright.testing.postgres import TempPostgres

AS_SHIPPED = {"wal_level": None, "max_replication_slots": None}
SCHEMA = """
create schema shop;
create table shop.orders (id bigint primary key, customer text, price numeric(10, 2), at timestamptz
  default now(), note text);
create table shop.lines (order_id bigint, line int, article text, primary key (order_id, line));
create table shop.visits (id int not null, at timestamptz);
insert into shop.orders select g, 'customer ' || g, g, now(), repeat('n', g)
  from generate_series(1, 2000) g;
insert into shop.lines select g, n, 'article ' || n
  from generate_series(1, 500) g, generate_series(1, 3) n;
insert into shop.visits select g, now() from generate_series(1, 10) g;
create role reader login password 'pa55-w0rd';
"""
CHANGES = """
insert into shop.orders (id, price) select g, 1 from generate_series(2001, 2100) g;
update shop.orders set customer = 'somebody else' where id % 7 = 0;
update shop.lines set line = line + 10 where order_id < 20;
delete from shop.orders where id % 11 = 0;
truncate shop.visits;
insert into shop.visits values (1, now());
"""
# What a platform may leave nothing in: everything of the server that lasts.
LASTING = {
    "slots": "select slot_name from pg_replication_slots",
    "publications": "select pubname, schemaname || '.' || tablename from pg_publication"
    " left join pg_publication_tables using (pubname) order by 1, 2",
    "roles": "select rolname, rolconfig::text from pg_roles order by 1",
    "relations": "select relnamespace::regnamespace::text, relname from pg_class"
    " where relnamespace::regnamespace::text !~ '^pg_toast' order by 1, 2",
    "functions": "select oid::regprocedure::text from pg_proc where oid > 16383 order by 1",
    "triggers": "select tgname from pg_trigger union all select evtname from pg_event_trigger",
    "databases": "select datname from pg_database order by 1",
    "comments": "select description from pg_description where objoid > 16383 order by 1",
}
MISSING = {
    "source.wal_level", "source.rights", "source.table_unfit", "source.publication",
    "source.no_free_slot", "source.wal_cap", "source.older", "source.chatter",
}  # fmt: skip
OWNED = """
grant create on database shop to reader;
alter table shop.orders owner to reader;
alter table shop.lines owner to reader;
alter table shop.visits owner to reader;
"""


@pytest.fixture(scope="module")
def homes() -> Iterator[Path]:
    """A folder that the servers' account can enter too."""
    folder = Path(tempfile.mkdtemp(prefix="tidewright-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def certificate(homes: Path) -> servers.Certificate:
    return servers.certificate(homes)


class Shop:
    """``with Shop(...)``: the user's server, its database, and the URL of who captures it."""

    def __init__(self, server: TempPostgres, certificate: servers.Certificate) -> None:
        self.server = server
        self.root = certificate.certificate
        self.admin = server.create("shop")
        self.run(SCHEMA)

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *exc: object) -> None:
        self.admin.close()

    def run(self, statements: str) -> None:
        """As psql does: one statement after the other."""
        for statement in filter(str.strip, re.sub(r"--.*", "", statements).split(";")):
            self.admin.execute(statement.encode())

    def restart(self) -> None:
        self.admin.close()
        self.server.restart()
        self.admin = self.server.connect("shop")

    def url(self, tls: str = "verify-full", root: str = "", host: str = servers.HOST) -> str:
        query = f"hostaddr=127.0.0.1&sslmode={tls}"
        if tls == "verify-full":
            query += f"&sslrootcert={root or self.root}"
        return f"postgres://reader:pa55-w0rd@{host}:{self.server.port}/shop?{query}"

    def lasting(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: self.admin.execute(query).fetchall() for name, query in LASTING.items()}


def findings(bank: Bank) -> dict[str, list[str]]:
    """What ``check`` says is missing: code -> what to do, as printed."""
    done = bank.run("check", "-o", "json")
    found: dict[str, list[str]] = {}
    told = json.loads(done.stdout)
    assert (done.returncode == 0) == (not told["findings"]), done.stdout
    for one in (*told["findings"], *told.get("advice", ())):
        found.setdefault(one["code"], []).append(one["hint"])
    return found


def begin(bank: Bank, url: str) -> None:
    done = bank.run("init", "--from", url, ".")
    assert done.returncode == 0, done.stderr
    file = bank.folder / "platform.yaml"
    text = file.read_text()
    assert "pa55" not in text
    assert "        # - shop.visits: " in text
    # The keyless table is wanted as well: check says what it needs.
    file.write_text(re.sub(r"# - (shop.visits): .*", r"- \1", text))


@pytest.mark.parametrize("version", servers.RELEASES)
def test_from_a_bare_server_to_an_exact_lake_and_back(
    version: int, homes: Path, certificate: servers.Certificate
) -> None:
    home = servers.install(version, homes)
    with (
        TempPostgres(AS_SHIPPED, home) as server,
        Shop(server, certificate) as shop,
        Bank(example=None) as bank,
    ):
        assert shop.admin.info.server_version // 10000 == version
        servers.encrypt(server, certificate, only=True)
        shop.run("alter system set max_replication_slots = 1")
        shop.restart()
        begin(bank, shop.url())
        prepare(bank, shop, version)
        before = shop.lasting()
        bank.up()
        shop.run(CHANGES)
        bank.exact()
        assert used_tls(shop)
        assert bank.run("destroy", "--yes").returncode == 0
        assert shop.lasting() == before


def test_what_is_missing_for_tls_is_named(homes: Path, certificate: servers.Certificate) -> None:
    """Each URL with what ``check`` says to do about it; None where it may connect."""
    home = servers.install(max(servers.RELEASES), homes)
    with (
        TempPostgres(AS_SHIPPED, home) as server,
        Shop(server, certificate) as shop,
        Bank(example=None) as bank,
    ):
        begin(bank, shop.url("disable"))
        assert "ALTER SYSTEM SET ssl = on" in tls(bank, shop.url("require"))
        servers.encrypt(server, certificate, only=False)
        assert "ALTER SYSTEM SET ssl = on" in tls(bank, shop.url("disable"), "source.in_clear")
        servers.encrypt(server, certificate, only=True)
        assert "?sslmode=verify-full" in tls(bank, shop.url("disable"))
        assert "sslrootcert=/path" in tls(bank, shop.url(root="/nowhere.crt"))
        assert "?hostaddr=ADDRESS" in tls(bank, shop.url(host="other.example"))
        assert not tls(bank, shop.url("require"))
        assert not tls(bank, shop.url())


def tls(bank: Bank, url: str, code: str = "source.tls") -> str:
    """What ``check`` says under this code when the secret is this URL."""
    bank.secret("shop_url", url)
    told = json.loads(bank.run("check", "-o", "json").stdout)
    every = (*told["findings"], *told.get("advice", ()))
    return "".join(one["hint"] for one in every if one["code"] == code)


def prepare(bank: Bank, shop: Shop, version: int) -> None:
    """Run what ``check`` prints, until it has nothing more to say."""
    found = findings(bank)
    assert set(found) == MISSING
    assert 'ALTER ROLE "reader" REPLICATION;' in found["source.rights"]
    for code in ("source.wal_level", "source.no_free_slot", "source.wal_cap"):
        assert found[code][0].startswith("ALTER SYSTEM SET ")
    if version % 2:
        # The platform makes its publication itself, and has to take it away again.
        found["source.publication"] = [OWNED]
    if version < 16:
        assert "upgrade" in found.pop("source.older")[0]
    for statement in (s for code in found for s in found[code]):
        shop.run(statement.replace("(...)", "(id)"))
    shop.restart()
    assert set(findings(bank)) == ({"source.older"} if version < 16 else set())


def used_tls(shop: Shop) -> bool:
    """Every session of the platform that is there now."""
    query = (
        "select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid)"
        " where usename = 'reader'"
    )
    row = shop.admin.execute(query).fetchone()
    return row is not None and row[0] is True
