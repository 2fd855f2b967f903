"""What one runner process is told: a job is rendered to JSON and is all the process reads.

Every value is still a reference here; the target resolves it, so a decoded job of a running
process holds plain text, numbers and secret names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tidewright.kit import schedule
from tidewright.model import flow as flows
from tidewright.model import native, values


@dataclass(frozen=True, slots=True)
class Lake:
    """Where the Iceberg tables live: a catalog database and a warehouse folder."""

    catalog: flows.Connection
    warehouse: values.Value


@dataclass(frozen=True, slots=True)
class Login:
    """A role and the secret that holds its password."""

    user: str
    password: values.Secret


@dataclass(frozen=True, slots=True)
class Database:
    """One database and its owning role, granted from a claim.

    ``capture``: a second role with REPLICATION that may read everything and write nothing.
    ``reader``: a role for people and tools that may only read. ``topics``: tables that only grow.
    """

    name: str
    owner: str
    password: values.Secret
    capture: Login | None = None
    reader: Login | None = None
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantsJob:
    """Create roles and databases on a server, idempotently, before its consumers start.

    ``keeps_log``: backups on a schedule let the server keep its log; without them it forgets it.
    """

    admin: flows.Connection
    databases: tuple[Database, ...]
    secrets: values.Value
    keeps_log: bool = False


@dataclass(frozen=True, slots=True)
class WorkloadJob:
    """Run the user's workload script against a managed source. ``rate``: changes per second."""

    source: flows.Connection
    script: values.Value
    rate: float
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class CaptureJob:
    """Follow one source into the lake. ``name`` is the flow's name in ``commits(flow, ...)``."""

    name: str
    source: flows.PostgresSource
    capture: flows.Capture
    lake: Lake
    secrets: values.Value
    status: values.Value
    commit_every: float = 0.4

    @property
    def datasets(self) -> tuple[str, ...]:
        """The lake's tables that show what is captured: of a topic the raw one, as all there is."""
        tables = self.capture.tables
        if not self.source.append_only:
            return tables
        return tuple(f"{self.capture.raw_namespace}.{t.partition('.')[2]}" for t in tables)


@dataclass(frozen=True, slots=True)
class PullJob:
    """Pull events into a topic on a schedule. ``name``: the producer's name in the ledger.

    ``url``: where the source that we play answers; None: the script knows whom to ask.
    """

    name: str
    pull: flows.Pull
    topics: flows.Connection
    project: values.Value
    secrets: values.Value
    status: values.Value
    url: values.Value | None = None


@dataclass(frozen=True, slots=True)
class StreamJob:
    """Route the new events of a topic into the keyed database. ``flow``: whose commits to follow.

    ``raw``: the topic's table in the lake.
    """

    name: str
    stream: flows.Stream
    flow: str
    raw: str
    lake: Lake
    keyed: flows.Connection
    project: values.Value
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class IngestJob:
    """Run assets on a branch each time, audit it, merge it. ``name``: the flow in the commits.

    ``landing``: the folder that a workload fills. ``grace``: seconds that files live on after
    nothing shows them; ``patience``: seconds that a run may take.
    """

    name: str
    ingest: flows.Ingest
    audits: tuple[flows.Audit, ...]
    lake: Lake
    project: values.Value
    landing: values.Value
    secrets: values.Value
    status: values.Value
    grace: float = 300.0
    patience: float = 900.0


@dataclass(frozen=True, slots=True)
class ServeJob:
    """Play a source that answers over HTTP: a script, at ``rate`` changes per second.

    ``folder``: where the script keeps what it made up. ``port``: on loopback.
    """

    script: values.Value
    rate: float
    folder: values.Value
    port: values.Number
    status: values.Value


@dataclass(frozen=True, slots=True)
class LoadJob:
    """Pull a connector into the lake. ``name`` is the flow's name in ``commits(flow, ...)``.

    ``url``: where the source that we play answers; None: the connector's config says it.
    """

    name: str
    load: flows.Load
    lake: Lake
    project: values.Value
    scratch: values.Value
    secrets: values.Value
    status: values.Value
    url: values.Value | None = None


@dataclass(frozen=True, slots=True)
class ReceiveJob:
    """Receive events over HTTP at ``path`` into a topic, and what does not fit into another.

    ``schema``: the file with the JSON Schema of one event. ``token``: what a sender has to know.
    """

    name: str
    topics: flows.Connection
    path: str
    schema: values.Value
    topic: str
    rejects: str
    port: values.Number
    token: values.Secret
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class SenderJob:
    """Run a script that sends events to the endpoint ``url``, at ``rate`` events per second.

    ``ledger``: the folder of the sender's own book of what it sent and what was acknowledged.
    """

    url: values.Value
    token: values.Secret
    script: values.Value
    rate: float
    ledger: values.Value
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class SessionsJob:
    """Cut a topic into sessions and land them in Delta tables below the folder ``delta``.

    ``name``: under which the tables keep the position. ``schema``: that of the events.
    """

    name: str
    stage: flows.Sessions
    lake: Lake
    delta: values.Value
    schema: values.Value
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class RollupJob:
    """Keep tables in the marts database from a topic, and from its sessions where there are any.

    ``sql``: ClickHouse's file. ``schema``: that of the events. ``sessions``: the Delta table of
    sessions as folder and the name under which it keeps its position.
    """

    name: str
    stage: flows.Rollup
    lake: Lake
    marts: flows.Connection
    sql: values.Value
    schema: values.Value
    secrets: values.Value
    status: values.Value
    sessions: values.Value | None = None
    sessions_flow: str = ""


@dataclass(frozen=True, slots=True)
class RefreshJob:
    """Keep marts fresh: transform one pinned commit of each flow of ``lands``, check, publish.

    ``every``: seconds between the begins of two refreshes, at least. ``trino``: where models run;
    None: on DuckDB in the same process. ``lands`` has a default because what an older version
    applied must stay readable.
    """

    lake: Lake
    marts: flows.Connection
    transform: flows.Transform
    checks: tuple[flows.Check, ...]
    publish: tuple[flows.Publish, ...]
    project: values.Value
    scratch: values.Value
    secrets: values.Value
    status: values.Value
    every: float = 1.0
    lands: tuple[str, ...] = ()
    trino: native.Trino | None = None


@dataclass(frozen=True, slots=True)
class ConsoleJob:
    """Serve the console and the read-only catalog front of one environment on loopback.

    ``state`` is the environment's own folder: its ``run/`` has the status files.
    """

    platform_file: values.Value
    environment: str
    state: values.Value
    port: values.Number
    secrets: values.Value
    platform: str = ""
    lake: Lake | None = None
    marts: flows.Connection | None = None
    charts: tuple[flows.Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratorJob:
    """Run a script that fills a folder with files, ``rate`` rows each second."""

    script: values.Value
    rate: float
    landing: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class Retention:
    """Which points stay: the newest ``last``, and the last one of so many days, weeks, ..."""

    last: int = 8
    daily: int = 7
    weekly: int = 4
    monthly: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """When points are made: every so many seconds, or by ``cron`` in ``zone``. Both None: never.

    ``base``: a server's data folder is copied anew when the last copy is this old, in seconds.
    ``drill``: the last good drill may be this old, in seconds; None: it is not watched.
    """

    every: float | None = None
    cron: str | None = None
    zone: str = "UTC"
    base: float = 86_400.0
    drill: float | None = None

    @property
    def rule(self) -> schedule.Rule:
        return schedule.Rule(self.every, self.cron, self.zone)


@dataclass(frozen=True, slots=True)
class BackedServer:
    """A bundled server: how its administrator reaches it."""

    name: str
    admin: flows.Connection


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket behind the S3 interface. ``endpoint``: its server with scheme, "" for Amazon's.

    ``credentials``: the secret ``ACCESS_KEY:SECRET_KEY``; None: as the environment says.
    """

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    credentials: values.Secret | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """A service that plays the outside world, and the folder of what it made up."""

    service: str
    folder: values.Value


@dataclass(frozen=True, slots=True)
class BackupJob:
    """Make recovery points over every store of one environment.

    ``to``: a folder, from ``project`` unless absolute. ``state``: the environment's own folder.
    ``lake`` None: it has none. ``captures`` stand still for the cut. ``played``: as of after it.
    ``bucket``: what ``to`` means when it is one.
    """

    platform: str
    environment: str
    file: str
    project: values.Value
    state: values.Value
    secrets: values.Value
    status: values.Value
    servers: tuple[BackedServer, ...]
    captures: tuple[CaptureJob, ...]
    lake: Lake | None
    to: str
    timing: Timing = Timing()
    keep: Retention = Retention()
    played: tuple[Played, ...] = ()
    bucket: Bucket | None = None


@dataclass(frozen=True, slots=True)
class SupersetJob:
    """Run Apache Superset over the marts. ``assets``: the folder of what it imports at a start.

    ``metadata``: the database of its own. ``key`` signs sessions and seals what it stores.
    """

    metadata: flows.Connection
    marts: flows.Connection
    host: values.Value
    port: values.Number
    assets: values.Value
    admin: values.Secret
    key: values.Secret
    cookie: str
    secrets: values.Value
    status: values.Value


Job: TypeAlias = (
    GrantsJob
    | WorkloadJob
    | ServeJob
    | GeneratorJob
    | SenderJob
    | CaptureJob
    | LoadJob
    | PullJob
    | StreamJob
    | IngestJob
    | ReceiveJob
    | SessionsJob
    | RollupJob
    | RefreshJob
    | ConsoleJob
    | BackupJob
    | SupersetJob
    | native.LaunchJob
    | native.JobManagerJob
    | native.DeployJob
    | native.RecordJob
)
# What lands rows in the lake: each has ``name`` (its flow in ``commits``), ``lake``, ``secrets``.
Landing: TypeAlias = CaptureJob | LoadJob | IngestJob
LANDING: tuple[type[Landing], ...] = (CaptureJob, LoadJob, IngestJob)
# What makes rows for an example; each has ``script`` and ``rate`` (per second).
GENERATORS = (WorkloadJob, ServeJob, GeneratorJob, SenderJob)
