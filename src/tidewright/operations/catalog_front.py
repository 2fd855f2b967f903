"""The read side of an Iceberg REST catalog over ``iceberg_tables``: no PyIceberg, no writes.

It answers in JSON values; the console gives them a route. Table metadata is passed on as the
bytes of its file, which must lie in the warehouse. The catalog's layout is PyIceberg's SqlCatalog.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidewright import errors
from tidewright.kit import files
from tidewright.operations import console_sessions

NAME = "lake"
LARGEST_METADATA = 64_000_000
_NAMESPACES = (
    "select table_namespace from iceberg_tables where catalog_name = %(c)s union"
    " select namespace from iceberg_namespace_properties where catalog_name = %(c)s order by 1"
)
_PROPERTIES = (
    "select property_key, property_value from iceberg_namespace_properties"
    " where catalog_name = %s and namespace = %s order by 1"
)
_TABLES = (
    "select table_name from iceberg_tables where catalog_name = %s and table_namespace = %s"
    " order by 1"
)
_LOCATION = (
    "select metadata_location from iceberg_tables"
    " where catalog_name = %s and table_namespace = %s and table_name = %s"
)
READS = (
    "GET /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
)


class CatalogFront:
    """Answers the reading calls of the Iceberg REST protocol for one lake."""

    def __init__(self, pool: console_sessions.Sessions, warehouse: str) -> None:
        self._pool = pool
        self._warehouse = Path(warehouse.removeprefix("file://"))

    def config(self) -> dict[str, Any]:
        """What a client asks first. Listing the calls keeps it from trying others."""
        return {"defaults": {}, "overrides": {}, "endpoints": list(READS)}

    def namespaces(self, parent: str | None) -> dict[str, Any]:
        """All namespaces below ``parent``; ours have one level, so a parent has none below."""
        found = [] if parent else self._rows(_NAMESPACES, {"c": NAME})
        return {"namespaces": [[row[0]] for row in found]}

    def namespace(self, namespace: str) -> dict[str, Any]:
        """One namespace with its properties. Raises Refused when there is none."""
        self._known(namespace)
        rows = self._rows(_PROPERTIES, (NAME, namespace))
        return {
            "namespace": [namespace],
            "properties": {key: value for key, value in rows if key != "exists"},
        }

    def tables(self, namespace: str) -> dict[str, Any]:
        """The tables of a namespace."""
        self._known(namespace)
        names = [row[0] for row in self._rows(_TABLES, (NAME, namespace))]
        return {"identifiers": [{"namespace": [namespace], "name": name} for name in names]}

    def table(self, namespace: str, table: str) -> bytes:
        """A table's place and metadata as the JSON text of the answer."""
        location = self.location(namespace, table)
        head = json.dumps({"metadata-location": location, "config": {}})
        return head[:-1].encode() + b', "metadata": ' + self._metadata(location) + b"}"

    def location(self, namespace: str, table: str) -> str:
        """The present metadata file of a table. Raises Refused when there is no such table."""
        rows = self._rows(_LOCATION, (NAME, namespace, table))
        if not rows:
            raise _missing("console.no_table", f"there is no table {namespace}.{table}")
        return str(rows[0][0])

    def _known(self, namespace: str) -> None:
        if [namespace] not in self.namespaces(None)["namespaces"]:
            raise _missing("console.no_namespace", f"there is no namespace {namespace}")

    def _rows(self, query: str, values: tuple[str, ...] | Mapping[str, str]) -> list[Any]:
        with self._pool.use("catalog") as connection:
            if connection.execute("select to_regclass('iceberg_tables')").fetchone() == (None,):
                return []
            return connection.execute(query.encode(), values).fetchall()

    def _metadata(self, location: str) -> bytes:
        file = Path(location.removeprefix("file://"))
        if not files.is_inside(file, self._warehouse):
            what = "the catalog names a metadata file outside of the warehouse"
            raise errors.Refused("console.outside", what, location, "Find out who wrote that row.")
        try:
            if file.stat().st_size > LARGEST_METADATA:
                what = "the metadata file is larger than this front serves"
                raise errors.Refused("console.too_large", what, location, "Let table care expire.")
            return file.read_bytes()
        except OSError as reason:
            what = f"the metadata file cannot be read: {reason.strerror}"
            raise errors.StepFailed("console.metadata", what, location, "Ask again.") from None


def _missing(code: str, what: str) -> errors.Refused:
    return errors.Refused(
        code, what, "the catalog", "List what there is: GET /catalog/v1/namespaces"
    )
