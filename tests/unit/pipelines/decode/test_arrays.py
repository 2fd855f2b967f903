from __future__ import annotations

import numpy as np
import pytest

from tidewright import errors
from tidewright.pipelines.decode import arrays

DATA = np.frombuffer(b"abc", np.uint8)


def test_text_lies_where_its_ends_say_and_is_null_where_absent():
    made = arrays.text(np.array([0, 1, 1, 3]), DATA, np.array([False, True, False]))
    made.validate(full=True)
    assert made.to_pylist() == ["a", None, "bc"]


def test_more_text_than_an_array_can_number_is_refused(monkeypatch):
    monkeypatch.setattr(arrays, "_LIMIT", 2)
    with pytest.raises(errors.Refused) as raised:
        arrays.text(np.array([0, 3]), DATA, np.array([False]))
    assert raised.value.code == "source.row_too_large"
