"""The compiled JSON writer: the texts of ``jsontext``, from the kernels in ``compose``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewright.pipelines.decode import arrays, chunk, compose, jsontext

_BLOCK = 4096  # rows of JSON that stay in the processor's cache while columns are added
_STYLES = ("string", "number", "word", "boolean", "embedded")  # numbered as in ``compose``


def rows(part: chunk.Part) -> pa.Array:
    """The JSON text of each row: what ``jsontext.rows`` gives."""
    present = part.op != chunk.TRUNCATE
    columns = [_json_column(field, present) for field in jsontext.fields(part)]
    total = np.zeros(part.rows, np.int64)
    for ends, data, flags, label in columns:
        compose.sizes(ends, data, flags, label, total)
    # One byte opens the object; each value's comma is counted, and the last one closes it.
    total += np.where(total > 0, 1, 2)
    total[~present] = 0
    starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(total)))
    out = np.empty(int(starts[-1]), np.uint8)
    cursor = starts[:-1] + 1
    for at in range(0, part.rows, _BLOCK):
        rows_ = slice(at, at + _BLOCK)
        for ends, data, flags, label in columns:
            compose.write(ends[at : at + _BLOCK + 1], data, flags[rows_], label, cursor[rows_], out)
    compose.close(starts, cursor, out)
    return arrays.text(starts, out, ~present)


def _json_column(
    field: jsontext.Field, present: chunk.Bools
) -> tuple[npt.NDArray[np.int32], chunk.Ops, chunk.Ops, chunk.Ops]:
    """A field as the kernels want it: ends, bytes, flags, and the label led by its style."""
    _, ends, data = field.text.buffers()
    from_, count = field.text.offset, len(field.text)
    valid = np.asarray(field.text.is_valid().to_numpy(zero_copy_only=False))
    filled = np.where(valid, compose.VALUE, compose.NULL)
    flags = np.where(field.shown & present, filled, compose.HIDDEN)
    label = np.frombuffer(bytes([_STYLES.index(field.style)]) + field.label.encode(), np.uint8)
    return (
        _view(ends, np.int32)[from_ : from_ + count + 1],
        _view(data if data is not None and data.size else b"\0", np.uint8),
        flags.astype(np.uint8),
        label,
    )


def _view(buffer: pa.Buffer | bytes, kind: type[np.generic]) -> npt.NDArray[Any]:
    """A buffer as an array that cannot be written: else kernels would be compiled twice."""
    array = np.frombuffer(buffer, kind)
    array.setflags(write=False)
    return array
