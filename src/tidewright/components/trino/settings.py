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
# Whoever asks may read; only the care of tables may write. The names are those of the client.
RULES: Mapping[str, object] = {
    "catalogs": [
        {"user": native.CARE, "allow": "all"},
        {"allow": "read-only"},
    ]
}
LAKE: Mapping[str, str] = {
    "connector.name": "iceberg",
    "iceberg.catalog.type": "jdbc",
    # Flink's catalog and this one must have one name: it is a column of the catalog's tables.
    "iceberg.jdbc-catalog.catalog-name": native.CATALOG,
    "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
    "iceberg.jdbc-catalog.schema-version": "V1",
    "iceberg.expire-snapshots.min-retention": "5m",
    "iceberg.jdbc-catalog.default-warehouse-dir": f"s3://{native.OBJECTS.bucket}",
    "fs.native-s3.enabled": "true",
    "s3.path-style-access": "true",
    "s3.region": native.OBJECTS.region,
}
