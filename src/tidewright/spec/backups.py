"""The key ``backup`` of the file: where recovery points go, when they are made, which stay.

What a well-formed one can still get wrong is in ``checks_of_backup``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tidewright.spec import fields

BUCKET = "s3://"
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?")
_SERVER = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")


def _target(value: Any) -> str:
    hint = "Write a folder, for example ../backups, or s3://bucket/prefix."
    if not isinstance(value, str) or not value.strip():
        raise fields.wrong("file.wrong_type", f"{value!r} is no place for backups", hint)
    if value.startswith(BUCKET):
        if not _NAME.fullmatch(value.removeprefix(BUCKET)):
            raise fields.wrong("file.wrong_value", f"{value!r} names no bucket", hint)
        return value
    if "://" in value:
        raise fields.wrong("file.wrong_value", f"backups cannot be kept at {value!r}", hint)
    return value


def _endpoint(value: Any) -> str:
    if not isinstance(value, str) or not _SERVER.fullmatch(value):
        hint = "Write scheme, host and port, for example https://s3.example.com:9000."
        raise fields.wrong("file.wrong_value", f"{value!r} is no address of a server", hint)
    return value


class Keep(fields.Strict):
    """Which points stay: the newest ones, and the last of so many days, weeks and months."""

    last: int = Field(default=8, ge=1)
    daily: int = Field(default=7, ge=0)
    weekly: int = Field(default=4, ge=0)
    monthly: int = Field(default=0, ge=0)


class Backup(fields.Strict):
    """Recovery points of everything that the platform keeps itself.

    ``to``: a folder, or ``s3://bucket/prefix``; then ``endpoint`` is its server where that is not
    Amazon's, and ``credentials`` the secret ``ACCESS_KEY:SECRET_KEY``.
    """

    to: Annotated[str, BeforeValidator(_target)]
    every: fields.Duration | None = None
    cron: str | None = None
    zone: str = "UTC"
    keep: Keep = Keep()
    base: fields.Duration = 86_400.0
    drill: fields.Duration | None = None
    endpoint: Annotated[str, BeforeValidator(_endpoint)] = ""
    region: str = "us-east-1"
    credentials: (
        Annotated[
            fields.SecretRef,
            BeforeValidator(fields.not_in_clear("credentials stand", "credentials")),
        ]
        | None
    ) = None
