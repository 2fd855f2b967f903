"""The topics of captured tables, made before anybody writes or reads them (SCH-05)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tidewright import errors
from tidewright.model import native

SECONDS = 30.0
LARGEST = 16 << 20  # bytes of one change: both images of a row with long texts
EXISTS = "TOPIC_ALREADY_EXISTS"
KEPT_MS = 7 * 24 * 3600 * 1000


def ensure(job: native.DeployJob, partitions: Mapping[str, int]) -> str:
    """Make those that are missing, with so many partitions each; one sentence.

    Raises StepFailed with the broker's reason.
    """
    wanted = [
        NewTopic(
            name,
            num_partitions=number,
            replication_factor=job.replication,
            config={
                "min.insync.replicas": str(job.in_sync),
                "compression.type": "lz4",
                "retention.ms": str(KEPT_MS),
                "max.message.bytes": str(LARGEST),
            },
        )
        for name, number in partitions.items()
    ]
    admin = AdminClient({"bootstrap.servers": str(job.brokers)})
    made = [
        name
        for name, done in admin.create_topics(wanted, request_timeout=SECONDS / 2).items()
        if _made(name, done)
    ]
    return f"topics: {', '.join(made)} created" if made else "topics: as they should be"


def _made(name: str, done: Future[None]) -> bool:
    try:
        done.result(SECONDS)
    except TimeoutError:
        raise errors.StepFailed(
            "topic.not_made", f"Kafka did not answer within {SECONDS:.0f} s", f"topic {name}",
            "Look at Kafka with `tidewright logs kafka`; it is tried again by itself.",
        ) from None  # fmt: skip
    except KafkaException as reason:
        if reason.args[0].name() == EXISTS:
            return False
        raise errors.StepFailed(
            "topic.not_made",
            f"the topic could not be made: {reason.args[0].str()}",
            f"topic {name}",
            "Look at Kafka with `tidewright logs kafka`; it is tried again by itself.",
        ) from None
    return True
