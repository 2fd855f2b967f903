"""Is everything that was acknowledged to the senders in the topic, once, and rejected or taken?

Both sides are read batch by batch: the sender's own ledger, and the receipts that the receiver
committed together with the events. What was sent and not acknowledged is there whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidewright.clients import postgres
from tidewright.model import acts, jobs
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, tell
from tidewright.pipelines.senders import ledger

_RECEIPTS = """
select batch, taken, rejected from ledger.receipts where topic = %s and batch = any(%s)
"""
_NOTED = "select topic, sum(events) from ledger.producers where topic = any(%s) group by 1"


def prove(
    environment: state.Environment, name: str, job: jobs.SenderJob, say: Say, seconds: float
) -> Proof:
    """The sender's ledger against the receipts."""
    book = ledger.Ledger(Path(str(job.ledger)), read_only=True)
    try:
        known, totals, waiting = book.known(), book.totals(), book.waiting()
    finally:
        book.close()
    ((_, receive),) = lakeside.of_kind(environment, jobs.ReceiveJob)
    names = [b.name for b in (*known, *waiting)]
    with postgres.connect(receive.topics, str(receive.secrets)) as conn:
        rows = conn.execute(_RECEIPTS, (receive.topic, names)).fetchall()
        both = conn.execute(_NOTED, ([receive.topic, receive.rejects],)).fetchall()
    found = (
        _acknowledged(known, {n: (t, r) for n, t, r in rows}),
        _whole(waiting, {n: t + r for n, t, r in rows}),
        _added(totals, {t: int(n) for t, n in both}, receive),
    )
    tell(say, found)
    return Proof("", (), found)


def _acknowledged(known: ledger.Batches, receipts: Mapping[str, tuple[int, int]]) -> acts.Invariant:
    lost = [b for b in known if receipts.get(b.name) != (b.taken, b.rejected)]
    uneven = [b for b in known if b.events != (b.taken or 0) + (b.rejected or 0)]
    events = sum(b.events for b in known)
    detail = f"{events:,} events in {len(known):,} batches, {len(lost)} without their receipt"
    if uneven:
        detail += f", {len(uneven)} of which are not taken + rejected"
    return acts.Invariant("sent = landed + rejected", not lost and not uneven, detail)


def _whole(waiting: ledger.Batches, receipts: Mapping[str, int]) -> acts.Invariant:
    parted = [b for b in waiting if receipts.get(b.name, b.events) != b.events]
    detail = f"{len(waiting)} in flight, {len(parted)} in part"
    return acts.Invariant("batches in flight are whole or absent", not parted, detail)


def _added(
    totals: ledger.Totals, noted: Mapping[str, int], receive: jobs.ReceiveJob
) -> acts.Invariant:
    """The topic has at least what the sender knows of; others may send as well."""
    taken, rejected = noted.get(receive.topic, 0), noted.get(receive.rejects, 0)
    ok = taken >= totals.taken and rejected >= totals.rejected
    detail = f"{taken:,} taken and {rejected:,} rejected in all"
    return acts.Invariant("nothing acknowledged is lost", ok, detail)
