"""The fake shop: later and later stamps, pages without a gap, and a ledger that is right."""

import datetime
import sys
from decimal import Decimal
from pathlib import Path

import pytest

SHOP = Path(__file__).parents[3] / "examples" / "elt-lakehouse"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The script as the runner has it, set up in an empty folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = {"__name__": "shop_api"}
    exec(compile((SHOP / "shop_api.py").read_text(), "shop_api.py", "exec"), names)
    names["setup"](tmp_path)
    yield names
    names["shop"].db.close()


def pull(shop, stream, after=""):
    """Every row that came after, page by page, as the connector asks."""
    rows, more = [], True
    while more:
        page = shop["answer"](f"/{stream}", {"updated_after": after, "limit": "100"})
        rows += page["data"]
        more = page["more"]
        after = rows[-1]["updated_at"] if rows else after
    return rows


@pytest.mark.parametrize("stream", ["customers", "orders", "order_items"])
def test_what_is_pulled_in_steps_is_what_there_is(shop, stream):
    held = {}
    after = ""
    for _ in range(4):
        rows = pull(shop, stream, after)
        stamps = [r["updated_at"] for r in rows]
        assert stamps == sorted(set(stamps))
        held |= {r["id"]: r for r in rows}
        after = stamps[-1] if stamps else after
        totals = shop["answer"]("/totals", {"stream": stream, "as_of": after})
        assert totals["rows"] == len(held)
        for name, told in totals["sums"].items():
            assert sum(Decimal(str(r[name])) for r in held.values()) == Decimal(told)
        shop["step"](200)


def test_the_catalogue_is_as_it_was_at_its_moment(shop):
    first = shop["answer"]("/products", {"limit": "20"})
    shop["step"](2_000)
    rest, after = list(first["data"]), first["data"][-1]["id"]
    while len(rest) < 80:
        asked = {"limit": "20", "as_of": first["as_of"], "after_id": str(after)}
        page = shop["answer"]("/products", asked)
        rest += page["data"]
        after = rest[-1]["id"]
    totals = shop["answer"]("/totals", {"stream": "products", "as_of": first["as_of"]})
    assert totals["rows"] == len(rest)
    assert Decimal(totals["sums"]["price"]) == sum(Decimal(str(r["price"])) for r in rest)


def test_it_goes_on_where_it_was(shop, tmp_path):
    shop["step"](300)
    before = shop["answer"]("/totals", {"stream": "orders", "as_of": "9"})
    identity = shop["answer"]("/shop", {})
    shop["shop"].db.close()
    shop["setup"](tmp_path)
    assert shop["answer"]("/totals", {"stream": "orders", "as_of": "9"}) == before
    assert shop["answer"]("/shop", {}) == identity
    shop["step"](50)
    assert shop["answer"]("/totals", {"stream": "orders", "as_of": "9"})["rows"] > before["rows"]


def test_a_clock_that_goes_back_dates_nothing_back(shop, monkeypatch):
    shop["step"](10)
    newest = pull(shop, "orders")[-1]["updated_at"]
    monkeypatch.setitem(shop, "datetime", HourAgo)
    shop["step"](50)
    later = pull(shop, "orders", newest)
    assert later
    assert all(r["updated_at"] > newest for r in later)


class HourAgo:
    """The module ``datetime`` of a machine whose clock was set back."""

    UTC, timedelta = datetime.UTC, datetime.timedelta

    class datetime(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - datetime.timedelta(hours=1)


def test_there_is_nothing_elsewhere(shop):
    assert shop["answer"]("/refunds", {}) is None
