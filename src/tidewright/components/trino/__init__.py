"""Trino: SQL over the lake, one coordinator that works too."""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import jdk
from tidewright.model import components

PROGRAM = components.Program("trino", "Trino 476", Path(__file__).with_name("programs.lock"))
COMPONENT = components.Component(
    name="trino",
    title="Trino 476",
    role="sql",
    why="the guide's SQL engine; 476 is the newest in the registry",
    provides=("sql",),
    claims=(components.Need("catalog"),),
    programs=(PROGRAM,),
    java=jdk.JAVA_25,
    memory_mb=1100,
    engines=("native",),
    guides=(
        "003",
        "004",
    ),
    corrections=(
        "X-33: tables are made by the stream job, and Trino reads them through its own S3 client",
        "X-46: one coordinator; what a restart costs is measured by the tests of kills",
    ),
    supplier="The Trino Software Foundation",
)
