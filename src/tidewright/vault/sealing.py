"""The keys of a backup: age seals the secrets, Ed25519 signs each point.

The machine that makes backups keeps the signing key and the age *recipient*: it can seal, and
cannot open what it sealed. The recovery key opens and checks; it is a file of its own, made once,
which belongs away from the machine and away from the backups. Nothing here prints a key.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

import nacl.exceptions
import nacl.signing
import pyrage  # type: ignore[import-untyped]  # it ships none

from tidewright import errors
from tidewright.kit import files
from tidewright.vault import files as vault

SIGNING, RECIPIENT = "backup-signing", "backup-recipient"
OURS = (SIGNING, RECIPIENT)
_SIGNED_BY = "signed-by: "
_IDENTITY = "AGE-SECRET-KEY-"


@dataclass(frozen=True, slots=True)
class Maker:
    """What the machine needs to make a backup; it has no printable form on purpose."""

    recipient: str
    signing: nacl.signing.SigningKey

    def __repr__(self) -> str:
        return f"Maker({self.fingerprint})"

    @property
    def public(self) -> str:
        return base64.b64encode(bytes(self.signing.verify_key)).decode()

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public)

    def seal(self, content: bytes) -> bytes:
        """``content`` as an age file that only the recovery key opens."""
        sealed: bytes = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(self.recipient)])
        return sealed

    def sign(self, content: bytes) -> str:
        return base64.b64encode(self.signing.sign(content).signature).decode()


@dataclass(frozen=True, slots=True)
class Checker:
    """Tells a genuine point from a forged one; needs no secret."""

    public: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public)

    def genuine(self, content: bytes, signature: str) -> bool:
        """Whether the holder of the signing key signed exactly ``content``."""
        key = nacl.signing.VerifyKey(base64.b64decode(self.public))
        try:
            key.verify(content, base64.b64decode(signature, validate=True))
        except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Recovery:
    """The recovery key: opens the secrets, and knows who signs."""

    identity: str
    checker: Checker

    def __repr__(self) -> str:
        return f"Recovery({self.checker.fingerprint})"

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises Refused for a key that it was not sealed to."""
        try:
            found: bytes = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(self.identity)])
        except pyrage.DecryptError:
            raise errors.Refused(
                "backup.wrong_key",
                "the secrets of this backup were not sealed to this recovery key",
                f"recovery key {self.checker.fingerprint}",
                "Name the recovery key that belongs to this platform: --key FILE.",
            ) from None
        return found


def fingerprint(public: str) -> str:
    """What people and points call a signing key."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def maker(secrets: Path, recovery: Path, title: str) -> tuple[Maker, bool]:
    """The keys of this environment, made at the first use; whether they were made now.

    ``recovery``: where a new recovery key is written, for its owner alone. One that lies there
    already is kept under another name, since older backups need it.
    """
    made = not (vault.exists(secrets, SIGNING) and vault.exists(secrets, RECIPIENT))
    if made:
        _make(secrets, recovery, title)
    seed = base64.b64decode(vault.read(secrets, SIGNING))
    return Maker(vault.read(secrets, RECIPIENT), nacl.signing.SigningKey(seed)), made


def _make(secrets: Path, recovery: Path, title: str) -> None:
    identity, signing = pyrage.x25519.Identity.generate(), nacl.signing.SigningKey.generate()
    public = base64.b64encode(bytes(signing.verify_key)).decode()
    if recovery.exists():
        older = read(recovery).checker.fingerprint
        recovery.rename(recovery.with_name(f"{recovery.stem}.{older}.key"))
    text = (
        f"# The recovery key of {title}. Keep it away from this machine and from the backups:\n"
        "# without it their secrets stay shut, and a forged backup looks like a genuine one.\n"
        f"{identity}\n{_SIGNED_BY}{public}\n"
    )
    # The recovery key first: what is sealed later can then be opened, whatever happens between.
    files.replace_private(recovery, text)
    vault.write(secrets, RECIPIENT, str(identity.to_public()))
    vault.write(secrets, SIGNING, base64.b64encode(bytes(signing)).decode())


def read(file: Path) -> Recovery:
    """A recovery key from its file. Raises Refused when it is none, or is not there."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as reason:
        raise errors.Refused(
            "backup.no_key", f"there is no recovery key: {reason.strerror}", str(file),
            "Bring it back from where you keep it, or name it: --key FILE.",
        ) from None  # fmt: skip
    except ValueError:
        raise _no_key(file) from None
    identity = next((x.strip() for x in lines if x.startswith(_IDENTITY)), None)
    public = next(
        (x.removeprefix(_SIGNED_BY).strip() for x in lines if x.startswith(_SIGNED_BY)), ""
    )
    try:
        pyrage.x25519.Identity.from_str(identity or "")
        nacl.signing.VerifyKey(base64.b64decode(public, validate=True))
    except (
        pyrage.IdentityError,
        nacl.exceptions.ValueError,
        nacl.exceptions.TypeError,
        ValueError,
    ):
        raise _no_key(file) from None
    assert identity is not None
    return Recovery(identity, Checker(public))


def _no_key(file: Path) -> errors.Refused:
    return errors.Refused(
        "backup.no_key", "this file is no recovery key", str(file),
        "It has a line AGE-SECRET-KEY-1... and a line signed-by: ...; name the right one: --key.",
    )  # fmt: skip


def own_checker(secrets: Path) -> Checker:
    """Who signs here, from the machine's own key. Raises Refused when it has none."""
    seed = base64.b64decode(vault.read(secrets, SIGNING))
    return Checker(base64.b64encode(bytes(nacl.signing.SigningKey(seed).verify_key)).decode())
