"""Kafka Connect as a plain process, and the service that deploys and watches a captured source."""

from __future__ import annotations

import sys

from tidewright.clients import jdk
from tidewright.components import connect
from tidewright.components.connect import settings
from tidewright.model import components, native, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

NAME, DEPLOY, RECORD = "connect", "deploy", "record"
PORT = "rest"
HEAP_MB = 448
PASSWORDS = "passwords.properties"
# Of each topic of changes (SCH-05); with one broker there is one copy.
PARTITIONS, REPLICATION, IN_SYNC = 10, 1, 1


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The worker, and for each captured source a deployment and a recorder of its moments."""
    stages = [s for s in binding.stages if isinstance(s, flows.Capture)]
    around = (make(binding, stage) for stage in stages for make in (_deploy, _record))
    return (_worker(binding, stages), *around)


def _worker(binding: components.Binding, stages: list[flows.Capture]) -> nouns.Service:
    conf = values.Folder("config", f"{NAME}/worker.properties")
    logging = values.Folder("config", f"{NAME}/log4j2.properties")
    classes = (values.Folder("programs", f"{connect.PROGRAM.folder}/lib"),)
    option = values.Join(("-Dlog4j2.configurationFile=", logging))
    java = jdk.command(jdk.JAVA_21, HEAP_MB, classes, (option,))
    passwords: list[str | int | values.Ref | values.Folder | values.Secret] = []
    for stage in stages:
        secret = binding.connections[f"{stage.source}.capture"].password
        assert secret is not None, "a granted login has a password"
        passwords += [f"{stage.source}=", secret, "\n"]
    job = native.LaunchJob(
        argv=(*java, "org.apache.kafka.connect.cli.ConnectDistributed", conf),
        folder=values.Folder("run", NAME),
        files={PASSWORDS: values.Private(tuple(passwords))},
        secrets=values.Folder("secrets"),
    )
    launch = (sys.executable, "-P", "-m", "tidewright.clients.launch", "--job")
    process = nouns.Process(
        argv=(*launch, values.Folder("config", f"{NAME}/job.json")),
        files={
            f"{NAME}/worker.properties": _configuration(),
            f"{NAME}/log4j2.properties": values.Join((jdk.LOGGING,)),
        },
        job=job,
        stop_seconds=30.0,
    )
    return nouns.Service(
        name=NAME,
        role="runs Debezium, which follows the source into topics",
        component=NAME,
        process=process,
        ports=(PORT,),
        probe=nouns.Http(PORT, "/connectors"),
        needs=("kafka",),
        patience=60.0,
    )


def _deploy(binding: components.Binding, stage: flows.Capture) -> nouns.Service:
    source = next(s for s in binding.flow.sources if s.name == stage.source)
    job = native.DeployJob(
        name=stage.source,
        source=source,
        owner=binding.connections[f"{stage.source}.own"],
        capture=stage,
        catalog=binding.connections["catalog.own"],
        objects=native.OBJECTS,
        brokers=native.BROKERS,
        connect=native.CONNECT,
        flink=native.FLINK,
        sql=native.TRINO,
        deployed=values.Folder("data", f"{DEPLOY}/tables.json"),
        script=values.Folder("run", f"{DEPLOY}/job.sql"),
        password=values.Join(
            ("${file:", values.Folder("run", f"{NAME}/{PASSWORDS}"), f":{stage.source}}}")
        ),
        partitions=PARTITIONS,
        replication=REPLICATION,
        in_sync=IN_SYNC,
        secrets=values.Folder("secrets"),
        status=values.Folder("run", f"{DEPLOY}.json"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.deploy", "--job")
    return nouns.Service(
        name=DEPLOY,
        role=f"deploys the capture of {stage.source}, watches it and cares for its tables",
        component=NAME,
        process=nouns.Process((*argv, values.Folder("config", f"{DEPLOY}/job.json")), job=job),
        probe=nouns.Heartbeat(job.status, 60.0),
        needs=(NAME, "objects", *binding.after),
        patience=60.0,
    )


def _record(binding: components.Binding, stage: flows.Capture) -> nouns.Service:
    raw = (f"{stage.raw_namespace}.{table.partition('.')[2]}" for table in stage.tables)
    job = native.RecordJob(
        name=stage.source,
        source=next(s for s in binding.flow.sources if s.name == stage.source),
        catalog=binding.connections["catalog.own"],
        objects=native.OBJECTS,
        brokers=native.BROKERS,
        topics={native.topic(table): table for table in stage.tables},
        ends=native.ENDS,
        tables=(*stage.tables, *raw),
        checkpoints=native.CHECKPOINTS,
        secrets=values.Folder("secrets"),
        status=values.Folder("run", f"mover-{RECORD}.json"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.record", "--job")
    return nouns.Service(
        name=RECORD,
        role=f"records which checkpoints are moments of {stage.source}",
        component=NAME,
        process=nouns.Process((*argv, values.Folder("config", f"{RECORD}/job.json")), job=job),
        probe=nouns.Heartbeat(job.status, 30.0),
        needs=(DEPLOY, "kafka", "objects", *binding.after),
    )


def _configuration() -> values.Join:
    host, port = values.Ref(NAME, PORT, "host"), values.Ref(NAME, PORT, "port")
    lines: list[str | values.Ref | values.Folder] = [
        "bootstrap.servers=", *native.BROKERS.parts, "\n",
        "listeners=http://", host, ":", port, "\n",
        "rest.advertised.host.name=", host, "\n",
        "plugin.path=", values.Folder("programs", f"{connect.PROGRAM.folder}/plugins"), "\n",
        "config.providers.file.param.allowed.paths=", values.Folder("run", NAME), "\n",
    ]  # fmt: skip
    table = settings.settings(REPLICATION)
    lines += [f"{key}={value}\n" for key, value in sorted(table.items())]
    return values.Join(tuple(lines))
