"""DuckDB with the Iceberg extension from wheels: nothing is ever downloaded.

``connect`` gives a connection that reads Iceberg tables by their metadata file. ``restrict`` locks
one for SQL that a person typed. A restricted connection can still write *below the folders it may
read* (DuckDB has no read-only folder): who runs foreign SQL also has to parse it and allow one
SELECT, as ``operations.sqlbox_rules`` does.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from tidewright import errors
from tidewright.model import native

EXTENSIONS = ("avro", "iceberg")


def connect(
    path: str | Path = ":memory:",
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    read_only: bool = False,
) -> duckdb.DuckDBPyConnection:
    """A connection that can ``iceberg_scan('...metadata.json')``. ``memory_limit``: '512MB'."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    if threads is not None:
        settings["threads"] = threads
    conn = duckdb.connect(str(path), read_only=read_only, config=settings)
    for name in EXTENSIONS:
        conn.load_extension(str(extension(name)))
    return conn


def extension(name: str) -> Path:
    """The file of an extension inside its wheel."""
    found = importlib.util.find_spec(f"duckdb_extension_{name}")
    places = list(found.submodule_search_locations or ()) if found else []
    for place in places:
        file = Path(place) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.exists():
            return file
    raise errors.Unsupported(
        "lake.no_extension",
        f"the DuckDB extension {name} for DuckDB {duckdb.__version__} is not installed",
        "this Python environment",
        f"Install duckdb-extension-{name}=={duckdb.__version__}, or tidewright again.",
    )


def reach(
    conn: duckdb.DuckDBPyConnection, objects: native.Objects, secret: Callable[[str], str]
) -> None:
    """Let ``conn`` read an object store; ``secret`` gives the value of a name."""
    conn.load_extension(str(extension("httpfs")))
    scheme, _, address = str(objects.endpoint).partition("://")
    told = {
        "key_id": objects.key,
        "secret": secret(objects.secret.name),
        "endpoint": address,
        "region": objects.region,
        "url_style": "path",
    }
    options = ", ".join(
        f"{key} '{value.replace(chr(39), chr(39) * 2)}'" for key, value in told.items()
    )
    tls = "true" if scheme == "https" else "false"
    conn.execute(f"create or replace secret objects (type s3, {options}, use_ssl {tls})")


def restrict(conn: duckdb.DuckDBPyConnection, folders: Sequence[str | Path]) -> None:
    """From now on SQL reaches these folders and no other file, network or setting. Final."""
    allowed = [form for f in folders for form in (f"{f}/", f"file://{f}/")]
    listed = ", ".join("'" + a.replace("'", "''") + "'" for a in allowed)
    conn.execute(f"set allowed_directories = [{listed}]")
    conn.execute("set enable_external_access = false")
    conn.execute("set lock_configuration = true")
