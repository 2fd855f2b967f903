"""What Debezium says of changes and of transactions' ends, for those who ask where they lie.

Fields: https://debezium.io/documentation/reference/stable/connectors/postgresql.html, transaction
metadata. Of a change only ``source`` and ``transaction`` are looked at, never its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tidewright.pipelines.record import boundaries

LAST = "last"  # how the last row of a first copy is marked


class Events:
    """Feeds ``to``. ``topics``: topic -> captured table; ``ends``: the topic of ends.

    ``copied``: whether the end of the first copy was told, by its last row or by a transaction.
    """

    def __init__(self, topics: Mapping[str, str], ends: str, to: boundaries.Boundaries) -> None:
        self._tables, self._ends, self._to = set(topics.values()), ends, to
        self.copied = False

    def take(self, at: boundaries.Partition, offset: int, value: bytes | None) -> None:
        """One message: a change, the begin or end of a transaction, or nothing."""
        if value is not None:
            event = orjson.loads(value)
            if at[0] == self._ends:
                self._end(event, offset)
            else:
                self._change(event, at, offset)
        self._to.read(at, offset + 1)

    def _change(self, event: Mapping[str, Any], at: boundaries.Partition, offset: int) -> None:
        source, told = event["source"], event.get("transaction")
        name = _number(told["id"]) if told else boundaries.FIRST_COPY
        lsn = int(source.get("lsn") or 0)
        self._to.change(name, at, offset, int(source.get("ts_ms") or 0), lsn)
        self.copied = self.copied or source.get("snapshot") == LAST

    def _end(self, event: Mapping[str, Any], offset: int) -> None:
        if event["status"] != "END":
            return
        self.copied = True
        counts = event.get("data_collections") or ()
        changes = sum(int(c["event_count"]) for c in counts if c["data_collection"] in self._tables)
        lsn = int(str(event["id"]).rpartition(":")[2] or 0)
        self._to.end(_number(event["id"]), changes, lsn, offset)


def _number(identity: str) -> str:
    """The transaction's own number: behind the colon is the LSN of the change, not of the whole."""
    return identity.partition(":")[0]
