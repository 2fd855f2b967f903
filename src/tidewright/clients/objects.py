"""The object store of an environment of real engines, through S3's interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyarrow import fs

from tidewright.model import native


def store(objects: native.Objects, secret: Callable[[str], str]) -> fs.S3FileSystem:
    """The store, as the platform's own account; ``secret`` gives the value of a name."""
    scheme, _, address = str(objects.endpoint).partition("://")
    return fs.S3FileSystem(
        access_key=objects.key,
        secret_key=secret(objects.secret.name),
        endpoint_override=address,
        scheme=scheme,
        region=objects.region,
        allow_bucket_creation=True,
        connect_timeout=5,
        request_timeout=20,
    )


def below(at: fs.FileSystem, folder: str) -> tuple[str, ...]:
    """Every file below ``bucket/key``; none when there is no such folder."""
    found = at.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
    return tuple(one.path for one in found if one.type == fs.FileType.File)


def remove(at: fs.FileSystem, files: Iterable[str]) -> None:
    """Remove files; raises OSError at the first that cannot be."""
    for file in files:
        at.delete_file(file)
