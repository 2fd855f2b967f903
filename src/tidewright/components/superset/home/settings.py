"""Superset's configuration, read by it through SUPERSET_CONFIG_PATH.

Runs in Superset's own virtual environment: the standard library and its packages only. Secrets
are read from their owner-only files here and stay in this process; the password of the marts is
added at each connection, so that Superset stores none.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL


class Job:
    """The job file, with its secrets by name."""

    def __init__(self, file: str) -> None:
        self.told: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))

    def __getitem__(self, key: str) -> Any:
        return self.told[key]

    def secret(self, reference: dict[str, str]) -> str:
        """The value of a secret. A file that others may read is refused."""
        path = Path(self.told["secrets"]) / reference["name"]
        with path.open(encoding="utf-8") as file:
            seen = os.fstat(file.fileno())
            if seen.st_mode & 0o077 or not stat.S_ISREG(seen.st_mode):
                raise SystemExit(f"the secret {reference['name']} is not safe to use")
            return file.read().rstrip("\n")


def address(connection: dict[str, Any], password: str | None = None) -> URL:
    """A connection of the job as SQLAlchemy wants it."""
    return URL.create(
        "postgresql+psycopg2",
        username=connection["user"],
        password=password,
        host=connection["host"],
        port=connection["port"],
        database=connection["database"],
    )


TIDEWRIGHT_JOB = _JOB = Job(os.environ["TIDEWRIGHT_JOB"])
_MARTS = address(_JOB["marts"])

SECRET_KEY = _JOB.secret(_JOB["key"])
SQLALCHEMY_DATABASE_URI = address(
    _JOB["metadata"], _JOB.secret(_JOB["metadata"]["password"])
).render_as_string(hide_password=False)
# Cookies do not tell ports apart, and one browser may look at two platforms.
SESSION_COOKIE_NAME = _JOB["cookie"]
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
# The page is served over plain HTTP on loopback.
SESSION_COOKIE_SECURE = False
RATELIMIT_STORAGE_URI = "memory://"
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
LOG_LEVEL = "WARNING"
# Superset's pages would fetch a counting pixel of its makers, maps and fonts; a browser that is
# told so asks this server and nobody else.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}


def DB_CONNECTION_MUTATOR(
    uri: URL, params: dict[str, Any], *_: object
) -> tuple[URL, dict[str, Any]]:
    """Log in to the marts, and to nothing else that looks like them."""
    mine = (_MARTS.username, _MARTS.host, _MARTS.port, _MARTS.database)
    if (uri.username, uri.host, uri.port, uri.database) == mine:
        uri = uri.set(password=_JOB.secret(_JOB["marts"]["password"]))
    return uri, params
