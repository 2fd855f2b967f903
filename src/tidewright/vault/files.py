"""Secrets as owner-only files, one per name, in the environment's ``secrets`` folder.

Services read them with ``read(folder, name)``. A file that others may read is refused rather
than narrowed: its content must be considered known. No value ever enters an error's text.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from tidewright import errors
from tidewright.kit import files

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_KEY = "fingerprint-key"
_LARGEST = 64 * 1024


def path(folder: Path | str, name: str) -> Path:
    """Where the secret ``name`` lies. Raises Refused for a name that is no plain word."""
    if not NAME.fullmatch(name):
        raise errors.Refused(
            "vault.name",
            f"{name!r} is not a name for a secret",
            "the secret store",
            "Use a letter, then letters, digits, - or _ (63 at most).",
        )
    return Path(folder) / name


def exists(folder: Path | str, name: str) -> bool:
    """Whether the secret is there; it may still be refused by ``read``."""
    return path(folder, name).is_file()


def read(folder: Path | str, name: str) -> str:
    """The value of a secret. Refuses a link, another owner and a file that others may read."""
    place = path(folder, name)
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise _missing(name) from None
    except OSError as reason:
        raise _unsafe(name, f"it cannot be opened ({reason.strerror})") from None
    with os.fdopen(handle, "rb") as file:
        _check(name, os.fstat(handle))
        return file.read(_LARGEST).decode().rstrip("\n")


def write(folder: Path | str, name: str, value: str) -> None:
    """Store or replace a secret, durable before this returns."""
    place = path(folder, name)
    files.private_folder(place.parent)
    files.replace_private(place, value + "\n")


def fingerprint(folder: Path | str, name: str) -> str:
    """Sixteen hex digits that change with the value, and tell nothing of it without our key.

    The key is made once and lies beside the secrets; a plain hash would let anybody who reads a
    fingerprint try out passwords.
    """
    key = generate(folder, _KEY)
    text = f"{name}\0{read(folder, name)}"
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def generate(folder: Path | str, name: str) -> str:
    """The secret's value, made up (192 random bits) when it does not exist yet."""
    if exists(folder, name):
        return read(folder, name)
    value = secrets.token_urlsafe(24)
    write(folder, name, value)
    return value


def remove(folder: Path | str, name: str) -> None:
    """Forget a secret; nothing happens when it does not exist."""
    path(folder, name).unlink(missing_ok=True)


def names(folder: Path | str) -> tuple[str, ...]:
    """The names of all secrets there, sorted."""
    place = Path(folder)
    if not place.is_dir():
        return ()
    return tuple(sorted(p.name for p in place.iterdir() if NAME.fullmatch(p.name)))


def _check(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _unsafe(name, "it is not a regular file")
    if status.st_mode & 0o077:
        raise _unsafe(name, "other accounts may read or write its file")
    if status.st_uid != os.geteuid():
        raise _unsafe(name, "its file belongs to another account")


def _missing(name: str) -> errors.Refused:
    return errors.Refused(
        "vault.missing",
        f"the secret {name} has no value",
        f"secret {name}",
        f"Store it with: tidewright connect --set-secret {name}",
    )


def _unsafe(name: str, why: str) -> errors.Refused:
    return errors.Refused(
        "vault.unsafe",
        f"the secret {name} is not safe to use: {why}",
        f"secret {name}",
        f"Change it at its origin, then store it: tidewright connect --set-secret {name}",
    )
