"""The current state of a table that only grows: there is none.

It stands where ``lake.current.CurrentTable`` stands, so that staging and commit know one path.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewright import errors


class Nothing:
    """Takes every change and keeps none of them."""

    def rows(self) -> int:
        """No row is kept."""
        return 0

    def apply(self, op: npt.NDArray[np.uint8], rows: pa.Table) -> None:
        """The raw log alone has them."""

    def truncate(self) -> None:
        """Nothing was kept."""

    def fetch(self, keys: pa.Table, names: Sequence[str]) -> pa.Table:
        """Old values are asked for by updates, which a topic does not carry."""
        raise errors.Bug(
            "lake.key_missing", "a topic was asked for an old row", f"columns {', '.join(names)}",
            "Report this with the log of the service.",
        )  # fmt: skip

    def committed(self) -> None:
        """Nothing was staged."""

    def rolled_back(self) -> None:
        """Nothing was staged."""

    def upkeep(self) -> None:
        """Nothing to compact."""
