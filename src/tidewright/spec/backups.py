"""The key ``backup`` of the file: where recovery points go, when they are made, which stay.

What a well-formed one can still get wrong is in ``checks_of_backup``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tidewright.spec import fields

BUCKET = "s3://"


def _target(value: Any) -> str:
    hint = "Write a folder, for example ../backups."
    if not isinstance(value, str) or not value.strip():
        raise fields.wrong("file.wrong_type", f"{value!r} is no place for backups", hint)
    if value.startswith(BUCKET):
        what = "a bucket as the place of backups is not supported yet"
        raise fields.wrong("file.not_yet", what, "Name a folder, for example a mounted disk.")
    if "://" in value:
        raise fields.wrong("file.wrong_value", f"backups cannot be kept at {value!r}", hint)
    return value


class Keep(fields.Strict):
    """Which points stay: the newest ones, and the last of so many days, weeks and months."""

    last: int = Field(default=8, ge=1)
    daily: int = Field(default=7, ge=0)
    weekly: int = Field(default=4, ge=0)
    monthly: int = Field(default=0, ge=0)


class Backup(fields.Strict):
    """Recovery points of everything that the platform keeps itself."""

    to: Annotated[str, BeforeValidator(_target)]
    every: fields.Duration | None = None
    cron: str | None = None
    zone: str = "UTC"
    keep: Keep = Keep()
    base: fields.Duration = 86_400.0
    drill: fields.Duration | None = None
