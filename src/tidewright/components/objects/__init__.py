"""S3Proxy: Amazon's S3 interface over a folder of this machine, for one node.

It is Java like the engines beside it, so it needs no compiler (decision 0022).
"""

from __future__ import annotations

from pathlib import Path

from tidewright.clients import jdk
from tidewright.model import components

PROGRAM = components.Program("s3proxy", "S3Proxy 4.1.0", Path(__file__).with_name("programs.lock"))
COMPONENT = components.Component(
    name="objects",
    title="S3Proxy 4.1",
    role="object store",
    why="engines read and write the lake through S3's interface; one that needs no compiler and "
    "keeps plain files",
    provides=("bucket",),
    programs=(PROGRAM,),
    java=jdk.JAVA_21,
    memory_mb=300,
    makes=("objects-secret",),
    engines=("native",),
    guides=(
        "000",
        "003",
        "004",
    ),
    corrections=(
        "X-01: MinIO's community edition is archived; any store with S3's interface will do",
        "X-66: no versioning for time travel; snapshots of the tables are that",
    ),
    supplier="Andrew Gaul and contributors",
)
