"""``python -m tidewright.pipelines.deploy --job FILE``: deploys a source, then watches over it.

Each step is idempotent. It stops at the first that fails, says which, and tries again; the next try
finds the earlier ones done. Then it asks for the connector's state and cares for the tables.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidewright import errors
from tidewright.kit import files
from tidewright.model import codec, native
from tidewright.pipelines.deploy import (
    beat,
    bucket,
    care,
    connector,
    deployed,
    script,
    source,
    topics,
)

AGAIN = 3.0  # seconds between two tries
LOOK = 2.0  # and between two looks at the connector


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.deploy")
    parser.add_argument("--job", type=Path, required=True)
    file: Path = parser.parse_args(argv).job
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    job = codec.loads(native.DeployJob, file.read_text(encoding="utf-8"))
    told = beat.Beat(Path(str(job.status)))
    while not _deployed(job, told):
        time.sleep(AGAIN)
    tables = care.Care(job, told.log)
    while True:
        _look(job, told)
        tables.when_due()
        time.sleep(LOOK)


def _deployed(job: native.DeployJob, told: beat.Beat) -> bool:
    try:
        for sentence in run(job, told):
            told.say(sentence)
    except errors.PlatformError as reason:
        told.ill(str(reason.finding))
        return False
    return True


def _look(job: native.DeployJob, told: beat.Beat) -> None:
    try:
        wrong = connector.state(job)
    except errors.PlatformError as reason:
        wrong = str(reason.finding)
    if wrong:
        told.ill(wrong)
    else:
        told.well(f"{len(job.capture.tables)} tables of {job.name} are followed")


def run(job: native.DeployJob, told: beat.Beat) -> Iterator[str]:
    """Bucket, tables, topics, the job's SQL, connector: what reads comes before what writes."""
    yield bucket.ensure(job.objects, str(job.secrets))
    tables = source.tables_of(job, told.say)
    known, namespace = Path(str(job.deployed)), job.capture.raw_namespace
    deployed.refuse_another(known, tables, namespace)
    names = [table.name for table in tables]
    yield topics.ensure(job, {native.ENDS: 1, **{native.topic(n): job.partitions for n in names}})
    path = Path(str(job.script))
    files.private_folder(path.parent)
    files.replace_private(path, script.compiled(tables, _place(job)))
    deployed.remember(known, tables, namespace)
    yield f"SQL of the job: {len(tables)} tables"
    yield connector.put(job, names)


def _place(job: native.DeployJob) -> script.Place:
    """Flink writes the script into its log, so no secret is in it: the processes have files."""
    at, objects = job.catalog, job.objects
    properties = {
        "type": "iceberg",
        "catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "uri": f"jdbc:postgresql://{at.host}:{at.port}/{at.database}",
        "jdbc.user": at.user,
        "jdbc.schema-version": "V1",
        "warehouse": f"s3://{objects.bucket}",
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": str(objects.endpoint),
        "s3.path-style-access": "true",
        "client.region": objects.region,
    }
    return script.Place(
        native.CATALOG, properties, str(job.brokers),
        # The slot's name is one for each platform, environment and source.
        job.source.slot, job.capture.raw_namespace,
    )  # fmt: skip


if __name__ == "__main__":
    main()
