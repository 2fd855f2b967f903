"""The lake's bucket, and what lies in it."""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs

from tidewright import errors
from tidewright.clients import objects as stores
from tidewright.model import native
from tidewright.vault import files as vault


def ensure(objects: native.Objects, secrets: Path | str) -> str:
    """Make the bucket when it is missing; one sentence. Raises StepFailed."""
    try:
        at = stores.store(objects, lambda name: vault.read(secrets, name))
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
