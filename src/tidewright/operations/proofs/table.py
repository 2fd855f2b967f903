"""Which proof belongs to which job. A new kind of stage that moves rows is a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tidewright.model import jobs
from tidewright.operations import state
from tidewright.operations.proofs import capture, ingest, load, stream
from tidewright.operations.proofs.proof import Proof, Say

# environment, name of the service, its job, progress, patience in seconds
Prove: TypeAlias = Callable[[state.Environment, str, Any, Say, float], Proof]

PROOFS: Mapping[type[Any], Prove] = {
    jobs.CaptureJob: capture.prove,
    jobs.IngestJob: ingest.prove,
    jobs.LoadJob: load.prove,
    jobs.StreamJob: stream.prove,
}
