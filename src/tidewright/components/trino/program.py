"""Trino as one plain process: coordinator and worker, with the lake and the models as catalogs."""

from __future__ import annotations

import json
import sys

from tidewright.clients import jdk
from tidewright.components import trino
from tidewright.components.trino import settings
from tidewright.model import components, native, values
from tidewright.model import platform as nouns

NAME = "trino"
PORT = "http"
HEAP_MB = 1024
SERVER = "trino-server-core-476"
OPTIONS = (
    "-XX:ReservedCodeCacheSize=128M",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Dlog.enable-console=true",
)


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The one server of an environment."""
    home, run = trino.PROGRAM.folder, values.Folder("run", NAME)
    classes = (values.Folder("programs", f"{home}/{SERVER}/lib"),)
    config = values.Join(("-Dconfig=", run, "/config.properties"))
    java = jdk.command(jdk.JAVA_25, HEAP_MB, classes, (*OPTIONS, config))
    job = native.LaunchJob(
        argv=(*java, "io.trino.server.TrinoServer"),
        folder=run,
        files={
            "config.properties": _node(binding),
            **{f"catalog/{name}.properties": _catalog(binding, name) for name in settings.CATALOGS},
            "access-control.properties": values.Private(
                (
                    "access-control.name=file\nsecurity.config-file=",
                    values.Folder("run", f"{NAME}/rules.json"),
                    "\n",
                )
            ),
            "rules.json": values.Private((json.dumps(settings.RULES, indent=2) + "\n",)),
        },
        secrets=values.Folder("secrets"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.clients.launch", "--job")
    return (
        nouns.Service(
            name=NAME,
            role="SQL over the lake",
            component=NAME,
            process=nouns.Process(
                (*argv, values.Folder("config", f"{NAME}/job.json")), job=job, stop_seconds=30.0
            ),
            ports=(PORT,),
            probe=nouns.Http(PORT, "/v1/info", says='"starting":false'),
            needs=("objects", *binding.after),
            patience=90.0,
        ),
    )


def _node(binding: components.Binding) -> values.Private:
    host, port = values.Ref(NAME, PORT, "host"), values.Ref(NAME, PORT, "port")
    plugins = values.Folder("programs", f"{trino.PROGRAM.folder}/plugin")
    lines: list[str | int | values.Ref | values.Folder | values.Secret] = [
        f"node.environment={binding.environment.replace('-', '_')}\n",
        "node.id=trino-1\n",
        "node.internal-address=", host, "\n",
        "http-server.http.port=", port, "\n",
        "discovery.uri=http://", host, ":", port, "\n",
        "plugin.dir=", plugins, "\n",
        "access-control.config-files=",
        values.Folder("run", f"{NAME}/access-control.properties"), "\n",
        "catalog.config-dir=", values.Folder("run", f"{NAME}/catalog"), "\n",
    ]  # fmt: skip
    lines += [f"{key}={value}\n" for key, value in sorted(settings.NODE.items())]
    return values.Private(tuple(lines))


def _catalog(binding: components.Binding, name: str) -> values.Private:
    catalog = binding.connections["catalog.own"]
    assert catalog.password is not None, "a granted login has a password"
    endpoint = native.OBJECTS.endpoint
    assert isinstance(endpoint, values.Join) and isinstance(catalog.host, values.Ref)
    assert isinstance(catalog.port, values.Ref), "a granted database is reached by its service"
    lines: list[str | int | values.Ref | values.Folder | values.Secret] = [
        "iceberg.jdbc-catalog.connection-url=jdbc:postgresql://",
        catalog.host, ":", catalog.port, f"/{catalog.database}\n",
        f"iceberg.jdbc-catalog.connection-user={catalog.user}\n",
        "iceberg.jdbc-catalog.connection-password=", catalog.password, "\n",
        "s3.endpoint=", *endpoint.parts, "\n",
        "s3.aws-access-key=", native.OBJECTS.key, "\n",
        "s3.aws-secret-key=", native.OBJECTS.secret, "\n",
    ]  # fmt: skip
    lines += [f"iceberg.jdbc-catalog.catalog-name={name}\n"]
    lines += [f"iceberg.jdbc-catalog.default-warehouse-dir={settings.CATALOGS[name]}\n"]
    lines += [f"{key}={value}\n" for key, value in sorted(settings.ICEBERG.items())]
    return values.Private(tuple(lines))
