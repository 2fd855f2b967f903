"""The lake's bucket, and what lies in it."""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs

from tidewright import errors
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


def ensure(objects: native.Objects, secrets: Path | str) -> str:
    """Make the bucket when it is missing; one sentence. Raises StepFailed."""
    try:
        at = store(objects, secrets)
        there = at.get_file_info(objects.bucket).type == fs.FileType.Directory
        if not there:
            at.create_dir(objects.bucket)
    except OSError as reason:
        raise errors.StepFailed(
            "lake.bucket",
            f"the bucket could not be made: {reason}",
            f"bucket {objects.bucket}",
            "Look at the store with `tidewright logs objects`; it is tried again by itself.",
        ) from None
    return f"bucket {objects.bucket}: {'as it should be' if there else 'created'}"
