"""The bank's own project and checks on a real lake, published to a real PostgreSQL."""

import shutil
import time
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.pipelines.refresh import bank_lake

from tidewright.model import flow, jobs
from tidewright.pipelines.refresh import outcome, refresher

BANK = Path(__file__).parents[4] / "examples" / "bank-cdc"
MARTS = ("daily_balances", "top_accounts")


class World:
    """A lake, a marts database, a copy of the bank's project, and the refresher of all three."""

    def __init__(self, postgres, folder: Path) -> None:
        postgres.create("bank_catalog").close()
        self.marts = postgres.create("bank_marts")
        self.lake = bank_lake.BankLake(postgres, "bank_catalog", folder)
        self.project = folder / "project"
        for part in ("models", "checks"):
            shutil.copytree(BANK / part, self.project / part)
        self.job = jobs.RefreshJob(
            lands=("bank",),
            lake=self.lake.job,
            marts=flow.Connection(
                "127.0.0.1", postgres.port, "bank_marts", "postgres", self.lake.connection.password
            ),
            transform=flow.Transform("models/"),
            checks=(flow.Check("checks/", "keep-last-good"),),
            publish=(flow.Publish(MARTS, "postgres"),),
            project=str(self.project),
            scratch=str(folder / "scratch"),
            secrets=str(folder / "secrets"),
            status=str(folder / "refresh.json"),
        )
        self.work = refresher.Refresher(self.job, outcome.Progress({}, {}, 0))
        self.before = self.work.run()
        self.lake.open_bank()

    def count(self, what: str) -> int:
        return self.marts.execute(f"select count(*) from marts.{what}").fetchone()[0]

    def richest(self) -> tuple[int, Decimal] | None:
        if not self.marts.execute("select to_regclass('marts.top_accounts')").fetchone()[0]:
            return None
        return self.marts.execute(
            "select account_id, balance from marts.top_accounts where place = 1"
        ).fetchone()

    def move(self, amount: int) -> None:
        """Customer 5 holds ``amount``; it comes from the house."""
        house = bank_lake.MONEY - amount
        rows = [bank_lake.account(1, house), bank_lake.account(5, amount)]
        self.lake.upsert("bank.accounts", rows)
        self.lake.commit()

    def close(self) -> None:
        self.work.publisher.close()
        self.work.catalog().close()
        self.work.engine.close()
        self.lake.store.close()
        self.marts.close()


@pytest.fixture(scope="module")
def opened(postgres, tmp_path_factory):
    it = World(postgres, tmp_path_factory.mktemp("bank"))
    yield it
    it.close()


@pytest.fixture
def world(opened):
    """The bank in a good state: its models as in the example, and published."""
    if opened.richest() != (5, 10):
        opened.lake.upsert("bank.users", [bank_lake.user(5)])
        opened.move(10)
        done = opened.work.run()
        assert done.state == "published", done.message
    return opened


@pytest.fixture
def edit(world):
    """Edits files of the project; the old text comes back after the test."""
    before = {}

    def change(file, text):
        path = world.project / file
        before.setdefault(path, path.read_text())
        path.write_text(text)

    yield change
    for path, text in before.items():
        path.write_text(text)


def test_without_a_commit_it_waits(opened):
    assert opened.before.state == "waiting"
    missing = "bank.accounts, bank.users"
    assert opened.before.message == f"waiting for the first copy of {missing}"


def test_marts_show_the_newest_commit(world):
    world.move(77)
    done = world.work.run()
    assert done.state == "published"
    assert world.richest() == (5, 77)
    assert {m.name: m.rows for m in done.marts}["top_accounts"] == 20
    assert world.count("tidewright_publications") >= 1
    assert (done.position, done.progress.published["bank"]) == (
        world.marts.execute(
            "select position, commit_id from marts.tidewright_publications order by id desc"
        ).fetchone()
    )


def test_models_with_a_tested_key_get_it_as_primary_key(world):
    keys = world.marts.execute(
        "select relname, attname from pg_index join pg_class c on c.oid = indrelid"
        " join pg_attribute on attrelid = c.oid and attnum = indkey[0]"
        " where indisprimary and relname = any(%s)",
        [list(MARTS)],
    )
    assert dict(keys.fetchall()) == {
        "daily_balances": "opened_on",
        "top_accounts": "account_id",
    }


def test_freshness_is_measured_for_each_commit_brought(world):
    world.move(11)
    world.move(12)
    ages = world.work.run().ages
    assert len(ages["lake_to_marts"]) == len(ages["source_to_marts"]) == 2
    assert all(0 <= age < 60_000 for age in ages["source_to_marts"])


def test_a_failing_check_keeps_the_last_good_marts_and_names_rows(world):
    rows = [bank_lake.account(5, 999)]  # money from nowhere
    world.lake.upsert("bank.accounts", rows)
    world.lake.commit()
    done = world.work.run()
    assert done.state == "degraded"
    assert "check balances_sum_is_constant: 1 rows, for example sum_of_balances=" in done.message
    failed = [c for c in done.checks if not c.ok]
    assert failed[0].rows == ({"sum_of_balances": "10000000989.00"},)
    assert world.richest() == (5, 10)
    world.move(10)
    assert world.work.run().state == "published"


def test_a_failing_dbt_test_keeps_them_too(world):
    world.lake.upsert("bank.users", [bank_lake.user(5, email=None)])
    world.move(30)
    done = world.work.run()
    assert done.state == "degraded"
    assert "not_null_top_accounts_email" in done.message
    assert world.richest() == (5, 10)
    world.lake.upsert("bank.users", [bank_lake.user(5)])
    world.move(10)


def test_a_broken_model_is_named_with_its_line_and_an_edit_mends_it(world, edit):
    good = (world.project / "models/marts/top_accounts.sql").read_text()
    edit("models/marts/top_accounts.sql", good.replace("    email,", "    nonsense,"))
    world.move(40)
    done = world.work.run()
    assert done.state == "degraded"
    assert "marts/top_accounts.sql:6: " in done.message
    assert '"nonsense" not found' in done.message
    assert "Traceback" not in done.message
    assert world.richest() == (5, 10)
    edit("models/marts/top_accounts.sql", good)
    mended = world.work.run()
    assert mended.state == "published", mended.message
    assert world.richest() == (5, 40)


def test_an_edited_model_tells_its_rows_before_and_after(world, edit):
    good = (world.project / "models/marts/top_accounts.sql").read_text()
    edit("models/marts/top_accounts.sql", good.replace("limit 100", "limit 7"))
    done = world.work.run()
    assert done.state == "published"
    told = "models/marts/top_accounts.sql changed: top_accounts: 20 -> 7 rows"
    assert told in done.message
    assert world.count("top_accounts") == 7
    edit("models/marts/top_accounts.sql", good)
    assert "top_accounts: 7 -> 20 rows" in world.work.run().message


def test_a_broken_project_is_read_again_only_after_an_edit(world, edit):
    edit("models/marts/schema.yml", "version: 2\nmodels: [\n")
    done = world.work.run()
    assert (done.state, done.again) == ("degraded", False)
    assert "refresh.project_invalid" in done.message
    started = time.process_time()
    assert world.work.run().message == done.message
    assert time.process_time() - started < 0.2  # no timing promise: reading it costs a second


def test_a_mart_without_a_model_is_refused(world, edit):
    (world.project / "models/marts/top_accounts.sql").rename(world.project / "aside.sql")
    try:
        done = world.work.run()
    finally:
        (world.project / "aside.sql").rename(world.project / "models/marts/top_accounts.sql")
    assert done.state == "degraded"
    assert "refresh.unknown_mart" in done.message


def test_a_table_that_is_not_copied_yet_is_waited_for(world, edit):
    sources = world.project / "models/staging/sources.yml"
    edit("models/staging/sources.yml", sources.read_text() + "      - name: cards\n")
    done = world.work.run()
    assert done.state == "waiting"
    assert done.message == "waiting for the first copy of bank.cards"


def test_a_pinned_file_that_expired_means_pin_again(world, monkeypatch):
    """The first pin names a file that is gone by the time DuckDB reads it."""
    pin, pins = refresher.reader.pin_each, []

    def stale(conn, flow_name):
        pinned = pin(conn, flow_name)
        pins.append(pinned.commit_id)
        if len(pins) == 1:
            metadata = pinned.tables["bank.users"].metadata
            gone = refresher.reader.PinnedTable(None, metadata.replace(".metadata", ".gone"))
            pinned.tables["bank.users"] = gone
        return pinned

    monkeypatch.setattr(refresher.reader, "pin_each", stale)
    world.move(50)
    assert world.work.run().state == "published"
    assert len(pins) == 2
    assert world.richest() == (5, 50)


def test_the_marts_database_away_is_tried_again(world, monkeypatch):
    world.work.publisher.close()
    away = flow.Connection("127.0.0.1", 1, "none", "postgres", None)
    monkeypatch.setattr(world.work, "job", refresher.replace(world.job, marts=away))
    monkeypatch.setattr(
        world.work.publisher,
        "_connect",
        lambda: refresher.postgres.connect(away, world.job.secrets),
    )
    done = world.work.run()
    assert (done.state, done.again) == ("degraded", True)
    assert "source.unreachable" in done.message
