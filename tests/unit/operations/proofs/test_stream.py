"""What the proof of a stream waits for, and how long."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from tidewright import errors
from tidewright.operations.proofs import stream


def test_a_stream_that_does_not_come_up_is_named(database: psycopg.Connection) -> None:
    job = cast("Any", SimpleNamespace(name="s"))
    with pytest.raises(errors.TimedOut, match=r"stream\.behind"):
        stream._wait(database, job, 7, "stream", 0.3)
