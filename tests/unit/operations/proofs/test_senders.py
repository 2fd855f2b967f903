"""The proof of senders sees a batch without its receipt, one in part, and one that is lost."""

from __future__ import annotations

from typing import cast

import pytest

from tidewright.model import jobs
from tidewright.operations.proofs import senders
from tidewright.pipelines.senders import ledger

DONE = ledger.Batch("a", 5, b"", taken=4, rejected=1)
WAITING = ledger.Batch("b", 3, b"")


class Receive:
    topic, rejects = "clicks", "rejects"


@pytest.mark.parametrize(
    ("batch", "receipts", "ok"),
    [
        (DONE, {"a": (4, 1)}, True),
        (DONE, {}, False),
        (DONE, {"a": (3, 2)}, False),
        (ledger.Batch("a", 6, b"", taken=4, rejected=1), {"a": (4, 1)}, False),
    ],
    ids=["as answered", "no receipt", "another receipt", "sent is not taken + rejected"],
)
def test_what_was_acknowledged_has_its_receipt(
    batch: ledger.Batch, receipts: dict[str, tuple[int, int]], ok: bool
) -> None:
    assert senders._acknowledged((batch,), receipts).ok is ok


@pytest.mark.parametrize(("receipts", "ok"), [({}, True), ({"b": 3}, True), ({"b": 2}, False)])
def test_a_batch_in_flight_is_whole_or_absent(receipts: dict[str, int], ok: bool) -> None:
    assert senders._whole((WAITING,), receipts).ok is ok


@pytest.mark.parametrize(
    ("noted", "ok"),
    [({"clicks": 4, "rejects": 1}, True), ({"clicks": 9, "rejects": 1}, True),
     ({"clicks": 3, "rejects": 1}, False), ({"clicks": 4}, False)],
)  # fmt: skip
def test_nothing_acknowledged_is_lost(noted: dict[str, int], ok: bool) -> None:
    totals = ledger.Totals(1, 4, 1)
    assert senders._added(totals, noted, cast(jobs.ReceiveJob, Receive())).ok is ok
