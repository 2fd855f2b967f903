"""Arrow text arrays over memory that a kernel filled."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tidewright import errors
from tidewright.pipelines.decode import chunk

_LIMIT = 2**31 - 1


def text(ends: chunk.Ints, data: chunk.Ops, absent: chunk.Bools) -> pa.Array:
    """An Arrow string array over ``data``; null where ``absent``."""
    if len(data) > _LIMIT:
        raise errors.Refused(
            "source.row_too_large", "one column's text passes 2 GB within one chunk",
            "source feed", "Keep single values below 256 MB.",
        )  # fmt: skip
    validity = None
    if absent.any():
        validity = pa.py_buffer(np.packbits(~absent, bitorder="little"))
    buffers = [validity, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(absent), buffers)
