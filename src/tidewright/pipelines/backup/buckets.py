"""A bucket behind the S3 interface as a place for backups; Arrow's own client speaks to it.

An object appears whole or not at all, so a name is there only when its bytes are. Several are sent
at once; ``settle`` waits for the last one. Addresses have the bucket in their path, since most
servers beside Amazon's know no other form.
"""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
from pyarrow import fs

from tidewright import errors
from tidewright.kit import files
from tidewright.model import jobs
from tidewright.pipelines.backup import places
from tidewright.vault import files as vault

SENDERS, WAITING = 8, 32
CONNECT_SECONDS, REQUEST_SECONDS, ATTEMPTS = 5.0, 30.0, 3
BLOCK = 1 << 20
# What a server's refusal means, by the words in it, as every S3 server spells them or Arrow does.
_MEANS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (errno.ENOSPC, ("quota", "storagefull", "insufficientstorage", "status 507", "code 507",
                    "http response code: 507")),
    (errno.EACCES, ("access_denied", "accessdenied", "access denied", "invalid_access_key_id",
                    "invalidaccesskeyid", "signature", "http response code: 403")),
    (errno.ENOENT, ("no_such_bucket", "nosuchbucket", "bucket does not exist")),
)  # fmt: skip
_SAID = {
    errno.ENOSPC: ("the bucket is full", "Free space there, or keep fewer points."),
    errno.EACCES: (
        "the bucket refused the request",
        "Correct its policy, or the credentials: tidewright connect --set-secret NAME.",
    ),
    errno.ENOENT: ("there is no such bucket", "Make it, or correct `to` in the file."),
}


class Bucket:
    """A place below a prefix of a bucket. ``spool``: a folder of this machine."""

    def __init__(self, bucket: jobs.Bucket, below: str, secrets: Path, spool: Path) -> None:
        self._root = "/".join(part for part in (bucket.name, bucket.prefix, below) if part)
        self._spool = spool
        self._server = bucket.endpoint or "Amazon S3"
        self._files = _connect(bucket, secrets)
        self._sending: futures.ThreadPoolExecutor | None = None
        self._sent: deque[futures.Future[None]] = deque()

    @property
    def title(self) -> str:
        return f"s3://{self._root} at {self._server}"

    def spool(self) -> Path:
        return files.private_folder(self._spool)

    def adopt(self, part: Path, name: str) -> None:
        if self._sending is None:
            self._sending = futures.ThreadPoolExecutor(SENDERS, "bucket")
        self._sent.append(self._sending.submit(self._send, part, name))
        while len(self._sent) > WAITING:
            self._sent.popleft().result()

    def again(self, part: Path, name: str) -> None:
        part.unlink()  # an object is durable once it is there; to send it again would cost its size

    def write(self, name: str, content: bytes) -> None:
        with self._writing(), self._files.open_output_stream(self._at(name)) as out:
            out.write(content)

    def open(self, name: str) -> BinaryIO:
        with self._reaching():
            return cast(BinaryIO, _Reader(self._files.open_input_file(self._at(name)), self))

    def names(self, below: str) -> Iterator[tuple[str, int]]:
        root = self._at(below)
        wanted = fs.FileSelector(root, recursive=True, allow_not_found=True)
        with self._reaching():
            found = self._files.get_file_info(wanted)
        for one in sorted(found, key=lambda f: str(f.path)):
            if one.type == fs.FileType.File:
                yield one.path.removeprefix(f"{root}/"), int(one.size)

    def listed(self, below: str) -> list[str]:
        return [name for name, _ in self.names(below)]

    def remove(self, name: str) -> None:
        with self._writing(), contextlib.suppress(FileNotFoundError):
            self._files.delete_file(self._at(name))

    def settle(self) -> None:
        try:
            while self._sent:
                self._sent.popleft().result()
        finally:
            self._stop()
        for part in self._spool.glob("*"):
            part.unlink(missing_ok=True)

    def reach(self) -> None:
        """Whether it answers and lets us in. Raises StepFailed when not."""
        with self._reaching():
            found = self._files.get_file_info(self._root.partition("/")[0])
        if found.type == fs.FileType.NotFound:
            raise self.failed(OSError("no_such_bucket"))

    def failed(self, reason: OSError, *, writing: bool = False) -> errors.StepFailed:
        """A refusal of the server in our words."""
        said = str(reason).lower()
        number = next((n for n, words in _MEANS if any(w in said for w in words)), None)
        what, hint = _SAID.get(
            number or 0, ("the bucket cannot be reached", "See whether its server runs.")
        )
        return errors.StepFailed(
            "backup.place", f"{what}: {_short(str(reason))}", self.title,
            f"{hint} {places.AS_THEY_WERE}" if writing else hint,
        )  # fmt: skip

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _send(self, part: Path, name: str) -> None:
        with (
            self._writing(),
            part.open("rb") as source,
            self._files.open_output_stream(self._at(name)) as out,
        ):
            while block := source.read(BLOCK):
                out.write(block)
        part.unlink()

    def _stop(self) -> None:
        if self._sending is not None:
            self._sending.shutdown(cancel_futures=True)
            self._sending = None
        self._sent.clear()

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return self._reaching(writing=True)

    @contextlib.contextmanager
    def _reaching(self, *, writing: bool = False) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as reason:
            if "bucket" in str(reason).lower():
                raise self.failed(reason, writing=writing) from None
            raise
        except (OSError, pa.ArrowException) as reason:
            raise self.failed(OSError(str(reason)), writing=writing) from None


class _Reader:
    """An object as it streams in. A server that goes away meanwhile is not a damaged backup."""

    def __init__(self, source: pa.NativeFile, place: Bucket) -> None:
        self._source, self._place = source, place

    def read(self, count: int = -1) -> bytes:
        try:
            return bytes(self._source.read(None if count < 0 else count))
        except OSError as reason:
            raise self._place.failed(reason) from None

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _connect(bucket: jobs.Bucket, secrets: Path) -> fs.S3FileSystem:
    """The client. Without a secret the usual variables AWS_ACCESS_KEY_ID, ... are asked."""
    key, secret = None, None
    if bucket.credentials is not None:
        key, _, secret = vault.read(secrets, bucket.credentials.name).partition(":")
        if not key or not secret:
            raise errors.Refused(
                "backup.credentials", "it is not of the form ACCESS_KEY:SECRET_KEY",
                f"secret {bucket.credentials.name}",
                f"Store the right one: tidewright connect --set-secret {bucket.credentials.name}",
            )  # fmt: skip
    scheme, _, host = bucket.endpoint.rpartition("://")
    return fs.S3FileSystem(
        access_key=key, secret_key=secret, region=bucket.region,
        endpoint_override=host or None, scheme=scheme or "https",
        connect_timeout=CONNECT_SECONDS, request_timeout=REQUEST_SECONDS,
        background_writes=False, allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )  # fmt: skip


def _short(said: str) -> str:
    """What the server said, without the library's own preamble."""
    text = said.partition("\n")[0]
    return text.partition("AWS Error ")[2] or text
