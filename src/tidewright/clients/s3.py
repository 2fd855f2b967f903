"""The one way to the platform's own object store: its S3 interface, through Arrow's client."""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs

from tidewright.model import native
from tidewright.vault import files as vault


def store(objects: native.Objects, secrets: Path | str) -> fs.S3FileSystem:
    """The object store, as the platform's own account."""
    scheme, _, address = str(objects.endpoint).partition("://")
    return fs.S3FileSystem(
        access_key=objects.key,
        secret_key=vault.read(secrets, objects.secret.name),
        endpoint_override=address,
        scheme=scheme,
        region=objects.region,
        allow_bucket_creation=True,
        connect_timeout=5,
        request_timeout=20,
    )
