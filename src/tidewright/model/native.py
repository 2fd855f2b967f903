"""What the processes around real engines are told: how to start one, and what to deploy on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidewright.model import flow as flows
from tidewright.model import values


@dataclass(frozen=True, slots=True)
class Objects:
    """A bucket of the platform's own object store. ``endpoint``: a URL; S3's API, path style.

    ``key`` is a name, which engines write into their logs; only ``secret`` is one.
    """

    endpoint: values.Value
    bucket: str
    key: str
    secret: values.Secret
    region: str = "us-east-1"


def address(service: str, port: str) -> values.Join:
    """``host:port`` of one of the engines."""
    return values.Join((values.Ref(service, port, "host"), ":", values.Ref(service, port, "port")))


def url(service: str, port: str) -> values.Join:
    return values.Join(("http://", *address(service, port).parts))


# The services and ports by which the engines know each other.
BROKERS, CONNECT = address("kafka", "broker"), url("connect", "rest")
FLINK, TRINO = url("jobmanager", "rest"), url("trino", "http")
OBJECTS = Objects(
    endpoint=url("objects", "s3"),
    bucket="iceberg-warehouse",
    key="tidewright",
    secret=values.Secret("objects-secret"),
)


def topic(table: str) -> str:
    """Debezium's name of a table's topic (SCH-04)."""
    return f"{PREFIX}.{table}"


# The catalog's name in every engine, and in its own tables.
CATALOG = "lake"
# Debezium's topics: <prefix>.<schema>.<table> (SCH-04), and one for the ends of transactions.
PREFIX = "dbserver1"
ENDS = f"{PREFIX}.transaction"
# The folder of Flink's checkpoints in the bucket.
CHECKPOINTS = "checkpoints"
# Models and what they read are of a catalog of their own in Trino, so that one rule keeps whoever
# runs the user's SQL from writing the lake.
MODELS = "refresh"
# Who asks Trino: anybody reads, the care of the tables writes the lake, the refresh its catalog.
READER, CARE, REFRESHER = "tidewright", "tidewright-care", "tidewright-refresh"


@dataclass(frozen=True, slots=True)
class Trino:
    """Where models run on Trino, and the store in which its tables lie. ``url``: of Trino."""

    url: values.Value
    objects: Objects


@dataclass(frozen=True, slots=True)
class LaunchJob:
    """Become another program, once the files that hold secrets are written.

    ``files``: name -> text, below ``folder``, for their owner alone.
    """

    argv: tuple[values.Value, ...]
    folder: values.Value
    files: Mapping[str, values.Private]
    secrets: values.Value
    env: Mapping[str, values.Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobManagerJob:
    """Become Flink's JobManager, from the newest complete checkpoint below ``checkpoints``.

    ``work``: the last arguments. Flink takes everything after the first that it does not know for
    the job's own, so where the job goes on from is said before them.
    """

    launch: LaunchJob
    work: tuple[values.Value, ...]
    objects: Objects
    checkpoints: str


@dataclass(frozen=True, slots=True)
class DeployJob:
    """Make what a captured source needs on the engines, in order: bucket, topics, SQL, connector.

    ``name``: the connector's and the source's. ``owner`` may alter the source's tables.
    ``brokers``, ``connect`` and ``sql``: addresses of Kafka, of Connect's REST and of Trino.
    ``flink``: of its REST. ``deployed``: a file that remembers the tables' form. ``script``: where
    the job's SQL goes. ``password``:
    the source's, as Connect finds it. ``partitions``, ``replication``, ``in_sync``: of each topic.
    """

    name: str
    source: flows.PostgresSource
    owner: flows.Connection
    capture: flows.Capture
    catalog: flows.Connection
    objects: Objects
    brokers: values.Value
    connect: values.Value
    flink: values.Value
    sql: values.Value
    deployed: values.Value
    script: values.Value
    password: values.Value
    partitions: int
    replication: int
    in_sync: int
    secrets: values.Value
    status: values.Value


@dataclass(frozen=True, slots=True)
class RecordJob:
    """Record the checkpoints of the job that are moments of the source, as commits of ``name``.

    ``topics``: topic -> captured table; ``ends``: the topic that tells of transactions' ends.
    ``tables``: the names in the lake that a commit holds. ``checkpoints``: their folder in the
    bucket.
    """

    name: str
    source: flows.PostgresSource
    catalog: flows.Connection
    objects: Objects
    brokers: values.Value
    topics: Mapping[str, str]
    ends: str
    tables: tuple[str, ...]
    checkpoints: str
    secrets: values.Value
    status: values.Value
