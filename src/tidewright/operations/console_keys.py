"""What opens the console: one secret, the single-use links and the sessions made from it.

A link carries a ticket, not the secret: a signed number that ends after minutes and works once,
so that a browser's history is worth nothing. Everything is signed with the secret of the moment:
rotating it ends every link and every session at once. The secret itself never leaves this module.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from pathlib import Path

from tidewright import errors
from tidewright.vault import files as vault

TICKET_SECONDS = 15 * 60
SESSION_SECONDS = 7 * 24 * 3600
SECRET = "console"  # noqa: S105  the name of a secret, not a secret
LONGEST = 512


def link(folder: Path | str, port: int, now: float | None = None) -> str:
    """A fresh URL that opens the console once, within a quarter of an hour."""
    expires = int((time.time() if now is None else now) + TICKET_SECONDS)
    body = f"{expires}.{secrets.token_urlsafe(9)}"
    return f"http://127.0.0.1:{port}/?token={body}.{_sign(folder, 'ticket', body)}"


class Keys:
    """Checks what is offered at the console's door. Reads the secrets again for each answer."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = folder
        self._used: dict[str, float] = {}
        self._lock = threading.Lock()

    def opens(self, name: str, offered: str) -> bool:
        """Whether ``offered`` is the value of the secret ``name``; False when there is none."""
        try:
            value = vault.read(self._folder, name)
        except errors.Refused:
            return False
        return bool(value) and hmac.compare_digest(value.encode(), offered[:LONGEST].encode())

    def redeem(self, ticket: str, now: float | None = None) -> bool:
        """Whether a link's ticket is ours, still good and not used before. It is used up now."""
        body, _, mark = ticket[:LONGEST].rpartition(".")
        moment = time.time() if now is None else now
        if not self._signed("ticket", body, mark) or float(body.partition(".")[0]) < moment:
            return False
        with self._lock:
            self._used = {k: until for k, until in self._used.items() if until >= moment}
            fresh = body not in self._used
            self._used[body] = float(body.partition(".")[0])
        return fresh

    def session(self, now: float | None = None) -> str:
        """The content of a new session's cookie."""
        body = str(int((time.time() if now is None else now) + SESSION_SECONDS))
        return f"{body}.{_sign(self._folder, 'session', body)}"

    def admits(self, session: str, now: float | None = None) -> bool:
        """Whether a cookie is one of ours and still good."""
        body, _, mark = session[:LONGEST].rpartition(".")
        moment = time.time() if now is None else now
        return self._signed("session", body, mark) and float(body) >= moment

    def _signed(self, kind: str, body: str, mark: str) -> bool:
        try:
            wanted = _sign(self._folder, kind, body)
        except errors.Refused:
            return False
        return hmac.compare_digest(wanted.encode(), mark.encode())


def _sign(folder: Path | str, kind: str, body: str) -> str:
    key = vault.read(folder, SECRET).encode()
    return hmac.new(key, f"{kind}|{body}".encode(), hashlib.sha256).hexdigest()
