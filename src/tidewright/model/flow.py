"""What moves: sources, stages in order, goals, and the position they are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tidewright.model import values


@dataclass(frozen=True, slots=True)
class Identity:
    """Which source a position belongs to. Another identity or timeline is refused, not followed."""

    system_id: str
    timeline: int
    database: str

    def __str__(self) -> str:
        return f"{self.system_id}/{self.timeline}/{self.database}"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a flow has come, as a number that only grows.

    ``postgres``: an LSN (64-bit byte offset into the WAL). A transaction is included when its
    commit record starts before it: exactly what PostgreSQL means by a slot's
    ``confirmed_flush_lsn`` and a snapshot's consistent point. ``connector``: how many commits the
    flow has had; where its connector stands is the state in the same row.
    """

    kind: Literal["postgres", "connector"]
    identity: Identity
    value: int

    @property
    def text(self) -> str:
        return lsn_text(self.value) if self.kind == "postgres" else str(self.value)


def position_value(kind: str, text: str) -> int:
    """The number behind ``Position.text``; raises ValueError when it is none."""
    return lsn_value(text) if kind == "postgres" else int(text)


def lsn_text(value: int) -> str:
    """The LSN as PostgreSQL prints it, for example ``0/16B3748``."""
    return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}"


def lsn_value(text: str) -> int:
    """The LSN as a number; raises ValueError on anything but ``hex/hex``."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one PostgreSQL database. ``tls`` is libpq's sslmode.

    ``url``: a secret that holds a whole ``postgres://`` URL. It then says everything, and the
    other fields are empty: a user's own server is known only to those who may read the secret.
    """

    host: values.Value
    port: values.Number
    database: str
    user: str
    password: values.Secret | None
    tls: str = "disable"
    url: values.Secret | None = None


@dataclass(frozen=True, slots=True)
class PostgresSource:
    """A PostgreSQL database we read. ``managed``: the platform runs the server itself.

    ``publication`` and ``slot`` are the only lasting things created there, named beforehand.
    ``append_only``: its tables are topics. Only inserts are published, so that removing what the
    lake holds is not carried on, and the lake keeps the raw log alone.
    """

    name: str
    connection: Connection
    publication: str
    slot: str
    managed: bool
    append_only: bool = False


@dataclass(frozen=True, slots=True)
class Capture:
    """Follow tables of a source into raw and current-state tables, in one commit."""

    source: str
    tables: tuple[str, ...]
    raw_namespace: str
    raw_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# The name of an ingest's flow in ``tidewright_commits``; there is one in a file.
INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Ingest:
    """Python assets run on a branch of the catalog, one branch for each run.

    ``folder``: the asset files, relative to platform.yaml. ``every``: seconds from run to run.
    ``keep``: seconds after which a branch that was not merged is dropped. ``workload``: a script
    that fills the folder ``landing`` with files, ``rate`` rows each second; None: nobody of ours.
    """

    folder: str
    every: float
    keep: float
    workload: str | None = None
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Audit:
    """Pandera schemas that a branch must pass. ``file`` is relative to platform.yaml."""

    file: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Publish a branch that passed, all its tables in one commit."""

    into: Literal["main"]


@dataclass(frozen=True, slots=True)
class Connector:
    """What a load pulls. ``kind`` python: ``name`` is a file with the class ``Connector``;
    airbyte: one of Airbyte's connectors on PyPI, with ``==version`` or without; dlt: a file with
    the function ``source(config)``, and the ``packages`` that it needs beside dlt.

    ``config`` is the connector's own; a value ``{secret: NAME}`` in it stands for that secret.
    ``workload``: a script that plays the source on this machine, at ``rate`` changes per second.
    """

    kind: Literal["python", "airbyte", "dlt"]
    name: str
    config: Mapping[str, object] = field(default_factory=dict)
    workload: str | None = None
    rate: float = 0.0
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Pull a connector's streams every so many seconds into append-only tables of ``to``.

    ``streams``: none named means all of them. ``timeout``: seconds of silence that are too long.
    ``cron``: when instead of ``every``, in the time zone ``zone``.
    """

    connector: Connector
    streams: tuple[str, ...]
    every: float | None
    to: str
    timeout: float = 60.0
    cron: str | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Pull:
    """Run ``python`` every so many seconds; its events go to ``topic``, with its state.

    ``workload``: a script that plays the interface on this machine, at ``rate`` events a second.
    """

    python: str
    every: float
    topic: str
    workload: str | None = None
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A table of the keyed database, ``schema.table``. ``key``: none means that it only grows.

    ``order``: the column whose greatest value stays for a key; None: the last event's.
    """

    table: str
    key: tuple[str, ...] = ()
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """SQL over the new events of ``topic``; every one ends in ``accepted`` or in ``rejects``.

    ``views``: keyed tables that accepted rows are merged into. ``sql``: relative to platform.yaml.
    """

    topic: str
    sql: str
    accepted: str
    rejects: str
    views: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Transform:
    """A dbt project run on one pinned commit. ``folder`` is relative to platform.yaml.

    ``layers``: its folders from raw to fine; see ``pipelines.transform.layers``.
    """

    folder: str
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """SQL files that each return the rows that are wrong. A failure keeps the last good marts."""

    folder: str
    on_fail: Literal["keep-last-good"]


@dataclass(frozen=True, slots=True)
class Publish:
    """Bring models to a PostgreSQL database as marts, all in one transaction."""

    tables: tuple[str, ...]
    to: Literal["postgres"]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a person looks at: ``y`` against ``x`` of a mart, added up; a table has neither.

    ``schema``: where the mart lies in the marts database.
    """

    name: str
    mart: str
    kind: Literal["line", "bar", "table", "number"]
    x: str | None = None
    y: str | None = None
    schema: str = "marts"


@dataclass(frozen=True, slots=True)
class Receive:
    """Events over HTTP at ``path`` into the topic ``to``; what does not fit goes to ``rejects``.

    ``schema``: the file with the JSON Schema of one event, relative to platform.yaml.
    ``workload``: a script that sends events, ``rate`` of them per second.
    """

    path: str
    schema: str
    to: str
    rejects: str
    workload: str | None = None
    rate: float = 500.0


@dataclass(frozen=True, slots=True)
class Sessions:
    """Events of ``topic`` by ``key``, ended by a silence of ``gap`` seconds; ``late``: how many
    seconds out of order they may come.

    ``time``: the property with the event's own time. ``first`` and ``last``: properties of which
    a session keeps the value of its first and last event. ``to``: the namespace of its tables.
    """

    topic: str
    key: str
    time: str
    gap: float
    late: float
    to: str
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollup:
    """Tables kept from ``topic`` and its sessions, as ClickHouse's file ``sql`` creates them.

    ``to``: the schema of the marts database that holds them.
    """

    topic: str
    sql: str
    to: str


Stage: TypeAlias = (
    Capture
    | Load
    | Pull
    | Receive
    | Stream
    | Sessions
    | Rollup
    | Ingest
    | Audit
    | Merge
    | Transform
    | Check
    | Publish
)


@dataclass(frozen=True, slots=True)
class Goals:
    """What the user asks for, in seconds (``uptime`` is a fraction). None: not stated."""

    fresh: float | None = None
    rto: float | None = None
    rpo: float | None = None
    uptime: float | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole data path of one environment, read top to bottom."""

    sources: tuple[PostgresSource, ...]
    stages: tuple[Stage, ...]
    goals: Goals
    charts: tuple[Chart, ...] = ()

    @property
    def lands(self) -> tuple[str, ...]:
        """The flows in ``tidewright_commits`` whose commits the transforms pin, in order."""
        found = []
        for stage in self.stages:
            match stage:
                case Capture(source):
                    found.append(source)
                case Load(to=namespace):
                    found.append(namespace)
                case Ingest():
                    found.append(INGEST)
        return tuple(found)
