"""The file's ``backup`` as a service, which reads from the other services what there is."""

from __future__ import annotations

from tidewright.components.backup import program
from tidewright.model import jobs, values
from tidewright.model import platform as nouns
from tidewright.spec import backups, load


def services(spec: load.Spec, others: tuple[nouns.Service, ...]) -> tuple[nouns.Service, ...]:
    """The service, when the file asks for backups on a schedule or watches its drills."""
    asked = spec.document.backup
    return () if asked is None else (program.service(_wish(spec, asked), others),)


def scheduled(spec: load.Spec) -> bool:
    """Whether servers keep their log for the next point."""
    asked = spec.document.backup
    return asked is not None and bool(asked.every or asked.cron)


def _wish(spec: load.Spec, asked: backups.Backup) -> program.Wish:
    keep = asked.keep
    return program.Wish(
        platform=spec.document.platform,
        environment=spec.environment,
        file=spec.path.name,
        to=asked.to,
        timing=jobs.Timing(asked.every, asked.cron, asked.zone, asked.base, asked.drill),
        keep=jobs.Retention(keep.last, keep.daily, keep.weekly, keep.monthly),
        bucket=_bucket(asked),
    )


def _bucket(asked: backups.Backup) -> jobs.Bucket | None:
    """``s3://bucket/prefix`` and the keys that say where its server is and who may enter."""
    if not asked.to.startswith(backups.BUCKET):
        return None
    name, _, prefix = asked.to.removeprefix(backups.BUCKET).partition("/")
    credentials = None if asked.credentials is None else values.Secret(asked.credentials.secret)
    return jobs.Bucket(name, prefix.strip("/"), asked.endpoint, asked.region, credentials)


def asked_for(spec: load.Spec) -> tuple[str, ...]:
    """The secrets that only the user can give."""
    asked = spec.document.backup
    return () if asked is None or asked.credentials is None else (asked.credentials.secret,)
