from __future__ import annotations

import pyarrow as pa
import pytest

from tidewright.pipelines.decode import hexbytes

CASES = [[], [None], [b""], [b"", None, b"\x00\xff", None, b"", bytes(range(256))], [b"a"] * 9]


@pytest.mark.parametrize("values", CASES)
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_bytes_and_their_hex_forms_are_the_same(values, cut):
    texts = [None if v is None else "\\x" + v.hex() for v in values]
    text, binary = pa.array(texts, pa.string())[cut:], pa.array(values, pa.binary())[cut:]
    there, back = hexbytes.to_bytes(text), hexbytes.to_text(binary)
    there.validate(full=True)
    back.validate(full=True)
    assert there.to_pylist() == values[cut:]
    assert back.to_pylist() == texts[cut:]
