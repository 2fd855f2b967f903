"""The real Superset beside a running bank: installed, signed in, the file's charts drawn.

Where its packages cannot be fetched the test fails, and says so with pip's words.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.e2e import superset, webdriver
from tests.e2e.bank import Bank
from tidewright.assemble import flows
from tidewright.spec import load

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(webdriver.missing() is not None, reason=str(webdriver.missing())),
]


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with Bank() as found:
        told = found.run("up", "--yes", "--with", "superset", seconds=1500)
        assert told.returncode == 0, told.stderr
        found.wait("three marts", lambda status: len(found.marts(TABLES)) == 3, 120)
        yield found


TABLES = "select 1 from pg_tables where schemaname = 'marts' and tablename !~ '^tidewright'"


def test_it_listens_on_loopback_and_admits_nobody_without_a_password(bank: Bank) -> None:
    url = superset.address(bank)
    assert urlsplit(url).hostname == "127.0.0.1"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url + "api/v1/chart/", timeout=60)
    assert caught.value.code == 401
    caught.value.close()


def test_the_charts_of_the_file_are_drawn(bank: Bank) -> None:
    (total,) = bank.marts("select sum(accounts) from marts.daily_balances")[0]
    assert total > 0
    with webdriver.Browser(1400, 1300, patience=240) as browser:
        superset.sign_in(browser, bank)
        browser.open(superset.address(bank) + "superset/dashboard/bank/")
        browser.until("document.querySelectorAll('canvas').length >= 2", 240)
        browser.until(f"({superset.COLOURED}).every(count => count > 200)", 240)
        browser.until("document.querySelectorAll('table tbody tr').length >= 1", 240)
        text = str(browser.script("return document.body.innerText"))
        for name in ("Balance by opening day", "Largest accounts", "Balance of all customers"):
            assert name in text
        asked = [urlsplit(url) for url in browser.addresses()]
        hosts = {str(url.hostname) for url in asked if url.scheme in ("http", "https")}
        away = hosts - {"127.0.0.1"} - browser.refused()
        assert not away, f"the page asked {away}"


def test_what_is_stored_has_no_password_of_the_marts(bank: Bank) -> None:
    password = bank.run("connect", "--secret", "marts-reader").stdout.strip()
    log = (bank.root / "logs" / "superset.log").read_text(errors="replace")
    job = (bank.root / "config" / "superset" / "job.json").read_text()
    assert password not in log + job
    for secret in ("superset-admin", "superset-key", "superset-owner"):
        assert bank.run("connect", "--secret", secret).stdout.strip() not in log + job


def test_it_is_kept_by_up_and_taken_away_by_name(bank: Bank) -> None:
    assert "superset stays" in bank.run("up", "--yes").stderr
    told = bank.run("up", "--yes", "--without", "superset")
    assert "Stop superset" in told.stderr
    assert "superset" not in {s["name"] for s in bank.status()["services"]}


@pytest.mark.parametrize(
    "example", ["branching-lakehouse", "clickstream", "elt-lakehouse", "user-events"]
)
def test_the_charts_of_every_other_example_are_drawn(example: str) -> None:
    """By a Superset of their own, over their own marts, once there are some to be drawn.

    A page that was opened while a machine was busy is loaded once more, as a person would.
    """
    spec = load.load(EXAMPLES / example / "platform.yaml")
    charts, page = flows.flow(spec).charts, f"superset/dashboard/{spec.document.platform}/"
    kinds = [chart.kind for chart in charts]
    drawn = kinds.count("line") + kinds.count("bar")
    with Bank(example) as platform:
        told = platform.run("up", "--yes", "--with", "superset", seconds=1500)
        assert told.returncode == 0, told.stderr
        with webdriver.Browser(1400, 1600, patience=240) as browser:
            superset.sign_in(browser, platform)
            marts = {chart.mart for chart in charts}
            platform.wait("marts", lambda _: all(_has_rows(platform, m) for m in marts), 180)
            browser.open(superset.address(platform) + page)
            try:
                browser.until(f"document.querySelectorAll('canvas').length >= {drawn}", 120)
            except AssertionError:
                browser.open(superset.address(platform) + page)
                browser.until(f"document.querySelectorAll('canvas').length >= {drawn}", 240)
            browser.until(f"({superset.COLOURED}).filter(n => n > 200).length >= {drawn}", 240)
            if "table" in kinds:
                browser.until("document.querySelectorAll('table tbody tr').length >= 1", 240)
            text = str(browser.script("return document.body.innerText"))
            for chart in charts:
                assert chart.name in text


def _has_rows(platform: Bank, mart: str) -> bool:
    try:
        return bool(platform.marts(f"select 1 from marts.{mart} limit 1"))
    except FileNotFoundError:
        return True  # nothing is published here: its tables are kept by a rollup
    except psycopg.Error:
        return False  # not published so far
