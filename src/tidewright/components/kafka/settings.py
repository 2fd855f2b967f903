"""The broker's own configuration, once, as a table; every form writes it in its own dialect."""

from __future__ import annotations

from collections.abc import Mapping

# One broker: every internal topic has one copy. With three it is three and two.
ONE_BROKER: Mapping[str, str] = {
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}
COMMON: Mapping[str, str] = {
    # A topic is a grant; one that nobody granted is a mistake that would go unnoticed.
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.segment.bytes": "134217728",
    # Who reads committed records waits for an open transaction, so a lost one must not stay long.
    "transaction.max.timeout.ms": "120000",
    "message.max.bytes": str(16 << 20),
    "replica.fetch.max.bytes": str(16 << 20),
}


def settings(brokers: int) -> dict[str, str]:
    """The settings of each of so many brokers. Raises ValueError for a number without a quorum."""
    if brokers != 1:
        raise ValueError("one broker is what runs natively so far")
    return {**COMMON, **ONE_BROKER}
