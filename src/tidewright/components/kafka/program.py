"""Kafka as a plain process: one broker that is its own controller."""

from __future__ import annotations

import base64
import hashlib

from tidewright.clients import jdk
from tidewright.components import kafka
from tidewright.components.kafka import settings
from tidewright.model import components, values
from tidewright.model import platform as nouns

NAME = "kafka"
BROKER, CONTROLLER = "broker", "controller"
HEAP_MB = 384


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The broker. Its folder is formatted once, for a cluster that has our id."""
    conf = values.Folder("config", f"{NAME}/server.properties")
    classes = (values.Folder("programs", f"{kafka.PROGRAM.folder}/lib"),)
    log = values.Join(("-Dlog4j2.configurationFile=", _logging()))
    java = jdk.command(jdk.JAVA_21, HEAP_MB, classes, (log,))
    cluster = cluster_id(f"{binding.platform}/{binding.environment}")
    formatted = values.Folder("data", f"{NAME}/log/meta.properties")
    make = ("format", "--ignore-formatted", "-t", cluster, "-c", conf)
    process = nouns.Process(
        argv=(*java, "kafka.Kafka", conf),
        files={
            f"{NAME}/server.properties": _configuration(),
            f"{NAME}/log4j2.properties": values.Join((jdk.LOGGING,)),
        },
        prepare=(nouns.Prepare((*java, "kafka.tools.StorageTool", *make), formatted),),
        stop_seconds=30.0,
    )
    return (
        nouns.Service(
            name=NAME,
            role="the log: topics of changes",
            component=NAME,
            process=process,
            ports=(BROKER, CONTROLLER),
            probe=nouns.Tcp(BROKER),
            patience=30.0,
        ),
    )


def cluster_id(name: str) -> str:
    """16 bytes in URL-safe base64, as Kafka writes its ids; never with a dash in front."""
    found = base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()[:16]).decode()[:22]
    return "A" + found[1:]


def _logging() -> values.Folder:
    return values.Folder("config", f"{NAME}/log4j2.properties")


def _configuration() -> values.Join:
    host = values.Ref(NAME, BROKER, "host")
    broker, controller = values.Ref(NAME, BROKER, "port"), values.Ref(NAME, CONTROLLER, "port")
    lines: list[str | values.Ref | values.Folder] = [
        "process.roles=broker,controller\n",
        "node.id=1\n",
        "controller.quorum.voters=1@", host, ":", controller, "\n",
        "listeners=PLAINTEXT://", host, ":", broker, ",CONTROLLER://", host, ":", controller, "\n",
        "advertised.listeners=PLAINTEXT://", host, ":", broker, "\n",
        "controller.listener.names=CONTROLLER\n",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n",
        "log.dirs=", values.Folder("data", f"{NAME}/log"), "\n",
    ]  # fmt: skip
    lines += [f"{key}={value}\n" for key, value in sorted(settings.settings(1).items())]
    return values.Join(tuple(lines))
