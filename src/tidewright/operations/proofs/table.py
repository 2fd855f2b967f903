"""Which proof belongs to which job. A new kind of stage that moves rows is a row here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tidewright.model import jobs, native
from tidewright.operations import state
from tidewright.operations.proofs import capture, ingest, load, rollup, senders, stream
from tidewright.operations.proofs.proof import Proof, Say

# environment, name of the service, its job, progress, patience in seconds
Prove: TypeAlias = Callable[[state.Environment, str, Any, Say, float], Proof]


def _with_extra(module: str) -> Prove:
    """The proof of a stage whose library is an extra, loaded when such a stage is there."""

    def prove(
        environment: state.Environment, name: str, job: Any, say: Say, seconds: float
    ) -> Proof:
        found: Prove = importlib.import_module(module).prove
        return found(environment, name, job, say, seconds)

    return prove


PROOFS: Mapping[type[Any], Prove] = {
    jobs.CaptureJob: capture.prove,
    jobs.IngestJob: ingest.prove,
    jobs.LoadJob: load.prove,
    jobs.StreamJob: stream.prove,
    jobs.SenderJob: senders.prove,
    jobs.SessionsJob: _with_extra("tidewright.operations.proofs.sessions"),
    jobs.RollupJob: rollup.prove,
    native.DeployJob: _with_extra("tidewright.operations.proofs.engines"),
}
