"""clickstream as a user runs it: every process is killed under load, each event counts once."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.e2e.bank import Bank

pytestmark = [pytest.mark.heavy, pytest.mark.e2e]
KILLED = ("receive", "sessions", "rollup", "capture", "workload-clicks", "log", "store")


def counted(bank: Bank) -> int:
    status = json.loads((bank.root / "run" / "mover-sessions.json").read_text())
    return int(status["counters"]["events"])


def test_any_kill_leaves_every_event_in_one_session_and_every_rollup_exact() -> None:
    dice = random.Random(20261121)
    with Bank("clickstream") as bank:
        bank.up()
        bank.exact()
        for name in dice.sample(KILLED * 2, 10):
            before = bank.service(name)
            time.sleep(dice.random() * 2)
            bank.kill(name)
            bank.wait_restarted(name, before)
        bank.wait_well()
        bank.exact()
        before = counted(bank)
        bank.wait("events come again", lambda status: counted(bank) > before)
        # A stop and a start later all of it is still there, and goes on.
        assert bank.run("stop").returncode == 0
        bank.up()
        bank.exact()
