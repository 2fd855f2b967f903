"""The shop as a user runs it, and with its processes killed: the lake is the shop, sum by sum."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.e2e.bank import Bank

pytestmark = [pytest.mark.heavy, pytest.mark.e2e]
SECONDS = 180.0
KILLED = ("load", "workload-load", "store")


def services(shop: Bank) -> dict[str, dict[str, object]]:
    told = json.loads(shop.run("status", "-o", "json").stdout)
    return {service["name"]: service for service in told["services"]}


def verified(shop: Bank) -> dict[str, int]:
    """Rows by table, once ``verify`` found them exact; it is asked again while things restart."""
    end = time.monotonic() + SECONDS
    while True:
        done = shop.run("verify", "-o", "json")
        if done.returncode == 0:
            found = json.loads(done.stdout)
            assert found["ok"]
            return {t["table"]: t["lake_rows"] for t in found["tables"]}
        assert done.returncode != 7, done.stdout
        assert time.monotonic() < end, done.stderr
        time.sleep(1)


def test_exact_after_each_process_was_killed() -> None:
    with Bank("elt-lakehouse") as shop:
        shop.up()
        before = verified(shop)
        assert set(before) == {
            f"bronze.{s}" for s in ("customers", "orders", "order_items", "products")
        }
        for name in KILLED:
            pid = services(shop)[name]["pid"]
            assert isinstance(pid, int)
            os.kill(pid, signal.SIGKILL)
            time.sleep(3)
        after = verified(shop)
        assert after["bronze.orders"] > before["bronze.orders"]
