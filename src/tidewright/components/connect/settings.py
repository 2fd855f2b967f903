"""The worker's configuration, once, as a table; the connector's follows from the source."""

from __future__ import annotations

from collections.abc import Mapping

JSON = "org.apache.kafka.connect.json.JsonConverter"
INTERNAL = ("offset", "config", "status")
COMMON: Mapping[str, str] = {
    "group.id": "connect",
    "key.converter": JSON,
    "value.converter": JSON,
    "key.converter.schemas.enable": "false",
    "value.converter.schemas.enable": "false",
    "offset.storage.partitions": "1",
    "status.storage.partitions": "1",
    "plugin.discovery": "service_load",
    # Changes and the place in the source in one transaction: a killed worker repeats nothing.
    "exactly.once.source.support": "enabled",
    "config.providers": "file",
    "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
    "scheduled.rebalance.max.delay.ms": "0",
}


def settings(replication: int) -> dict[str, str]:
    """The worker's settings; its own topics have so many copies."""
    kept = {f"{kind}.storage.topic": f"connect-{kind}s" for kind in INTERNAL}
    copies = {f"{kind}.storage.replication.factor": str(replication) for kind in INTERNAL}
    return {**COMMON, **kept, **copies}
