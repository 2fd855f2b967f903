"""Where one environment lives on this machine: its root, and the folders below it.

For an ordinary user the root is ``.tidewright/<env>`` beside platform.yaml. As root it is
``/var/lib/tidewright/<platform id>/<env>``: servers then run under another account, which could
not enter a folder below ``/root``. The platform id is made once and kept beside the file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import re
import secrets
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tidewright import errors
from tidewright.clients import caches
from tidewright.kit import files
from tidewright.model import values

STATE = ".tidewright"
SYSTEM = Path("/var/lib/tidewright")
ACCOUNT = "nobody"
FOLDERS = ("config", "data", "lake", "logs", "run", "secrets")
# Group ids from here on belong to no account: no tool and no container manager gives them out
# (https://systemd.io/UIDS-GIDS). Each environment has one, so that what runs foreign SQL can read
# its lake and nothing else.
READERS = 1_880_000_000
# Another account only passes through these on the way to a folder of its own.
_PASSAGE = 0o711
_GROUP_FOLDER, _GROUP_FILE = 0o2750, 0o640
_CODES = {
    errno.EACCES: "local.read_only",
    errno.EPERM: "local.read_only",
    errno.EROFS: "local.read_only",
    errno.EEXIST: "local.read_only",
    errno.ENOTDIR: "local.read_only",
    errno.ENOSPC: "local.disk_full",
    errno.EDQUOT: "local.disk_full",
}
_WAYS_OUT = {
    "local.read_only": "Copy the folder with platform.yaml to a place that you can write to, "
    "for example below your home folder, and run the command there.",
    "local.disk_full": "Free some space on that disk, then run the command again; "
    "nothing that was there before is damaged.",
}
_ID = re.compile(r"[a-z0-9]{8,32}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one environment. ``account``: who runs what may not run as root.

    ``programs``: what is shared by all platforms of an account.
    """

    project: Path
    root: Path
    account: str | None
    programs: Path = field(default_factory=lambda: caches.cache("programs"))

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    def folder(self, value: values.Folder) -> Path:
        """The absolute path that a Folder value means here."""
        match value.root:
            case "project":
                base = self.project
            case "programs":
                base = self.programs
            case _:
                base = self.root / value.root
        return base / value.path if value.path else base


def platform_id(project: Path) -> str | None:
    """The id kept beside platform.yaml; None before the first ``init`` or ``up``."""
    try:
        text = (project / STATE / "id").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return text if _ID.fullmatch(text) else None


def make_id(project: Path) -> str:
    """The platform's id, made when there is none. Raises Refused in a read-only folder."""
    found = platform_id(project)
    if found:
        return found
    made = secrets.token_hex(6)
    with refusing(project):
        folder = files.private_folder(project / STATE)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            files.replace(ignore, "*\n")
        files.replace(folder / "id", made + "\n")
    return made


def locate(project: Path, environment: str) -> Layout | None:
    """Where an environment lives; None when this platform has never had an id."""
    found = platform_id(project)
    return _layout(project, environment, found) if found else None


def environments(project: Path) -> tuple[str, ...]:
    """The environments that have a folder here, sorted."""
    found = platform_id(project)
    if not found:
        return ()
    parent = _layout(project, "x", found).root.parent
    names = parent.iterdir() if parent.is_dir() else iter(())
    return tuple(sorted(p.name for p in names if (p / "run").is_dir()))


def create(project: Path, environment: str) -> Layout:
    """Make the environment's folders, or narrow them when they exist."""
    layout = _layout(project, environment, make_id(project))
    with refusing(layout.root):
        if layout.account:
            for folder in (SYSTEM, layout.root.parent, layout.root):
                _passage(folder)
            for name in FOLDERS:
                folder = layout.root / name
                if name in ("config", "data"):
                    _passage(folder)
                elif name == "lake":
                    _shared(folder, _readers(layout))
                else:
                    files.private_folder(folder)
        else:
            for folder in (layout.root.parent, layout.root, *(layout.root / n for n in FOLDERS)):
                files.private_folder(folder)
    return layout


def remove(layout: Layout) -> None:
    """Delete everything of an environment, and its parent when nothing else is in it."""
    shutil.rmtree(layout.root, onerror=_keep_mounted)
    if layout.account:
        with contextlib.suppress(OSError):  # another environment still lives there
            layout.root.parent.rmdir()


def _keep_mounted(_: object, path: str, reason: tuple[type, BaseException, object]) -> None:
    """Where a disk of its own is mounted, everything in it goes and the empty folder stays."""
    kept = isinstance(reason[1], OSError) and reason[1].errno in (errno.EBUSY, errno.ENOTEMPTY)
    if not kept:
        raise reason[1]


def own(path: Path, account: str | None) -> None:
    """Hand a file or folder to the account that a service runs as."""
    if account:
        entry = pwd.getpwnam(account)
        os.chown(path, entry.pw_uid, entry.pw_gid)


@contextlib.contextmanager
def refusing(place: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error that names a way out."""
    try:
        yield
    except OSError as reason:
        code = _CODES.get(reason.errno or 0)
        if code is None:
            raise
        raise errors.Refused(
            code,
            f"nothing can be written there: {reason.strerror}",
            str(reason.filename or place),
            _WAYS_OUT[code],
        ) from None


def _layout(project: Path, environment: str, made: str) -> Layout:
    project = project.resolve()
    if os.geteuid() != 0:
        return Layout(project, project / STATE / environment, None)
    return Layout(project, SYSTEM / made / environment, ACCOUNT)


def _passage(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=_PASSAGE)
    if folder.stat().st_mode & 0o777 != _PASSAGE:
        folder.chmod(_PASSAGE)


def _readers(layout: Layout) -> int:
    """The group of an environment that nobody else is in."""
    return READERS + zlib.crc32(str(layout.root).encode()) % 100_000_000


def _shared(folder: Path, group: int) -> None:
    """A folder that the group may read, with all that is or will be in it.

    Where the kernel does not know the group (a container with few ids) it stays our own alone.
    """
    if not folder.exists():
        files.private_folder(folder)
    if (folder.stat().st_gid, folder.stat().st_mode & 0o7777) == (group, _GROUP_FOLDER):
        return
    try:
        for place, _, names in os.walk(folder, topdown=False):
            for name in names:
                os.chown(Path(place) / name, -1, group)
                (Path(place) / name).chmod(_GROUP_FILE)
            os.chown(place, -1, group)
            Path(place).chmod(_GROUP_FOLDER)
    except OSError as reason:
        if reason.errno not in (errno.EINVAL, errno.EPERM):
            raise
