"""``verify``: is every row where it belongs, at one cut, under load?

Each process that moves rows has a proof of its own in ``proofs``; here they are added up.
"""

from __future__ import annotations

from tidewright import errors
from tidewright.model import acts
from tidewright.operations import lakeside, state
from tidewright.operations.proofs import proof, table

PATIENCE = 60.0


def verify(
    environment: state.Environment, say: proof.Say = lambda line: None, seconds: float = PATIENCE
) -> acts.Verification:
    """Prove every stage. Anything that stopped, or could not be proved, makes it fail."""
    with lakeside.held(environment):
        found = [
            prove(environment, name, job, say, seconds)
            for kind, prove in table.PROOFS.items()
            for name, job in lakeside.of_kind(environment, kind)
        ]
    if not found:
        raise errors.Refused(
            "lake.no_job", "nothing in this environment moves rows", environment.name,
            "Verify an environment whose flow captures, loads or receives something.",
        )  # fmt: skip
    return acts.Verification(
        ok=all(one.ok for one in found),
        cut=found[0].cut,
        tables=tuple(t for one in found for t in one.tables),
        invariants=tuple(i for one in found for i in one.invariants),
    )
