"""The topics that the job reads, read once more for where their transactions begin and end.

Nothing is committed to Kafka: where to begin is remembered with the last commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Record
from confluent_kafka.admin import AdminClient, OffsetSpec

from tidewright import errors
from tidewright.pipelines.record import boundaries, events

SECONDS = 15.0
MOST = 5000  # messages of one turn


class Following:
    """Feeds ``to`` with what is in ``topics`` and in the topic of ``ends``, from ``begin`` on."""

    def __init__(
        self,
        brokers: str,
        topics: Mapping[str, str],
        ends: str,
        begin: Mapping[boundaries.Partition, int],
        to: boundaries.Boundaries,
    ) -> None:
        self._wanted, self._to = {*topics, ends}, to
        self._events = events.Events(topics, ends, to)
        self._admin = AdminClient({"bootstrap.servers": brokers})
        self._consumer = Consumer(
            {
                "bootstrap.servers": brokers,
                "group.id": "tidewright-record",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "queued.max.messages.kbytes": 32768,
            }
        )
        self.partitions = self._partitions(ends)
        wanted = [*self.partitions, (ends, 0)]
        self._consumer.assign(
            [TopicPartition(t, n, begin.get((t, n), OFFSET_BEGINNING)) for t, n in wanted]
        )
        for at, offset in begin.items():
            to.read(at, offset)
        if not begin:
            to.expect_first_copy()

    def close(self) -> None:
        self._consumer.close()

    def turn(self, seconds: float) -> int:
        """Take what comes within this time; how many messages. Raises StepFailed."""
        try:
            taken = self._consumer.consume(MOST, seconds)
        except KafkaException as reason:
            raise _lost(reason.args[0]) from None
        for record in taken:
            self._take(record)
        if self._to.is_copying and self._events.copied:
            self._to.end_first_copy(self.fence())
        return len(taken)

    def fence(self) -> dict[boundaries.Partition, int]:
        """Above everything that is in the topics now, also what is not committed yet."""
        asked = {TopicPartition(t, n): OffsetSpec.latest() for t, n in self.partitions}
        try:
            told = self._admin.list_offsets(asked, request_timeout=SECONDS)
            return {(p.topic, p.partition): f.result(SECONDS).offset for p, f in told.items()}
        except (KafkaException, TimeoutError) as reason:
            raise _lost(reason) from None

    def _partitions(self, ends: str) -> Sequence[boundaries.Partition]:
        try:
            there = self._consumer.list_topics(timeout=SECONDS).topics
        except KafkaException as reason:
            raise _lost(reason.args[0]) from None
        missing = sorted(self._wanted - there.keys())
        if missing:
            raise errors.StepFailed(
                "topic.not_read", f"Kafka has no topic {', '.join(missing)}", "Kafka",
                "The deployment makes them; it is tried again by itself.",
            )  # fmt: skip
        return [
            (topic, n)
            for topic in sorted(self._wanted - {ends})
            for n in sorted(there[topic].partitions)
        ]

    def _take(self, record: Record) -> None:
        reason, at = record.error(), (str(record.topic()), int(record.partition() or 0))
        offset = int(record.offset() or 0)
        if reason is not None:
            if reason.code() != KafkaError._PARTITION_EOF:
                raise _lost(reason)
            self._to.read(at, offset)
            return
        self._events.take(at, offset, record.value())


def _lost(reason: object) -> errors.StepFailed:
    return errors.StepFailed(
        "topic.not_read", f"Kafka could not be read: {reason}", "Kafka",
        "It is tried again by itself; `tidewright logs kafka` shows how it is.",
    )  # fmt: skip
