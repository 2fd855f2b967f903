"""Debezium's connector for one source: its configuration, and putting it into Connect.

Property names: https://debezium.io/documentation/reference/stable/connectors/postgresql.html
"""

from __future__ import annotations

from collections.abc import Sequence

from tidewright.clients import rest
from tidewright.model import native
from tidewright.pipelines.deploy import topics


def configuration(job: native.DeployJob, tables: Sequence[str]) -> dict[str, str]:
    """Everything as text, as Connect keeps it. The password stays a reference."""
    at = job.source.connection
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "database.hostname": str(at.host),
        "database.port": str(at.port),
        "database.user": at.user,
        "database.password": str(job.password),
        "database.dbname": at.database,
        "database.sslmode": at.tls,
        "topic.prefix": native.PREFIX,
        "plugin.name": "pgoutput",
        "slot.name": job.source.slot,
        "publication.name": job.source.publication,
        "publication.autocreate.mode": "filtered",
        "table.include.list": ",".join(tables),
        "snapshot.mode": "initial",
        "exactly.once.support": "required",
        # Exact on the way: see ``types``.
        "decimal.handling.mode": "string",
        "time.precision.mode": "isostring",
        "tombstones.on.delete": "false",
        # Each change bears its transaction, and each transaction has an end: see ``record``.
        "provide.transaction.metadata": "true",
        # So that the slot moves on while the captured tables are quiet.
        "heartbeat.interval.ms": "1000",
        "poll.interval.ms": "100",
        # A change carries the row before and after it.
        "producer.override.max.request.size": str(topics.LARGEST),
        "producer.override.compression.type": "lz4",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": str(job.replication),
    }


def put(job: native.DeployJob, tables: Sequence[str]) -> str:
    """Create or change it; one sentence. Raises StepFailed with Connect's reason."""
    place = f"{job.connect}/connectors/{job.name}"
    known = rest.get(f"{place}/config")
    wanted = configuration(job, tables)
    kept = {k: v for k, v in (known or {}).items() if k != "name"}
    if kept == wanted:
        return f"connector {job.name}: as it should be"
    rest.put(f"{place}/config", wanted)
    return f"connector {job.name}: {'changed' if known else 'created'}"


def state(job: native.DeployJob) -> str:
    """What is wrong, nothing when connector and task run; a failed task is started again."""
    place = f"{job.connect}/connectors/{job.name}"
    told = rest.get(f"{place}/status")
    parts = [told["connector"], *told["tasks"]] if told else []
    failed = [p for p in parts if p["state"] == "FAILED"]
    if failed:
        rest.post(f"{place}/restart?includeTasks=true&onlyFailed=true")
        return f"Debezium failed and is started again: {_first(failed[0].get('trace', ''))}"
    if len(parts) > 1 and all(p["state"] == "RUNNING" for p in parts):
        return ""
    return f"Debezium is {', '.join(p['state'].lower() for p in parts) or 'not there'}"


def _first(trace: str) -> str:
    """The cause at the bottom of a Java stack trace, else its first line."""
    lines = trace.splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes or lines or ["it gave no reason"])[-1 if causes else 0].strip()[:300]
