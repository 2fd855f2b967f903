"""Trino's own configuration, once, as tables; every form writes it in its own dialect."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.model import native

NODE: Mapping[str, str] = {
    "coordinator": "true",
    "node-scheduler.include-coordinator": "true",
    "query.max-memory": "256MB",
    "query.max-memory-per-node": "256MB",
    "memory.heap-headroom-per-node": "128MB",
    "web-ui.enabled": "false",
}
# Whoever asks may read; each of the two that write has one catalog. The names are the clients'.
RULES: Mapping[str, object] = {
    "catalogs": [
        {"user": native.CARE, "catalog": native.CATALOG, "allow": "all"},
        {"user": native.REFRESHER, "catalog": native.MODELS, "allow": "all"},
        {"allow": "read-only"},
    ]
}
# Each catalog of Trino and its folder in the bucket. Flink's catalog and the lake must have one
# name: it is a column of the catalog's tables.
CATALOGS: Mapping[str, str] = {
    native.CATALOG: f"s3://{native.OBJECTS.bucket}",
    native.MODELS: f"s3://{native.OBJECTS.bucket}/{native.MODELS}",
}
ICEBERG: Mapping[str, str] = {
    "connector.name": "iceberg",
    "iceberg.catalog.type": "jdbc",
    "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
    "iceberg.jdbc-catalog.schema-version": "V1",
    "iceberg.expire-snapshots.min-retention": "5m",
    "fs.native-s3.enabled": "true",
    "s3.path-style-access": "true",
    "s3.region": native.OBJECTS.region,
}
