"""Names derived from the file: slots, publications, servers, roles, secrets.

PostgreSQL cuts names at 63 bytes silently; a longer one is cut here and closed with a hash, so
that two long names stay two names.
"""

from __future__ import annotations

import hashlib
import re

LONGEST = 63
# The server of topics, and its one database.
LOG, TOPICS = "log", "topics"
_HASH = 8


def replication(platform: str, environment: str, source: str) -> str:
    """The slot's and the publication's name: lower-case letters, digits and underscores only.

    With the environment, because two of one platform may follow the same database.
    """
    whole = f"{platform}/{environment}/{source}"
    return fitting(re.sub(r"[^a-z0-9_]", "_", f"tidewright_{whole}".lower()), whole)


def fitting(name: str, whole: str | None = None) -> str:
    """``name``, or its beginning and a hash of ``whole`` when another whole could give it too."""
    plain = whole is None or re.fullmatch("[a-z0-9]+(/[a-z0-9]+)*", whole)
    if len(name) <= LONGEST and plain:
        return name
    if len(name) <= LONGEST - _HASH - 1:
        return f"{name}_{_digest(whole or name)}"
    return f"{name[: LONGEST - _HASH - 1]}_{_digest(whole or name)}"


def source_server(source: str) -> str:
    return f"source-{source}"


def role(database: str, access: str) -> str:
    """A database's role for one kind of access."""
    suffix = {"own": "", "capture": "_capture", "read": "_reader"}[access]
    return fitting(f"{database}{suffix}")


def secret(place: str, access: str) -> str:
    """The name of a role's secret; ``place`` is the server of a source, or a store's database."""
    return f"{place}-{ {'own': 'owner', 'capture': 'capture', 'read': 'reader'}[access] }"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
