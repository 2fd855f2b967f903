"""S3Proxy as a plain process over a folder of its own; it admits who signs with our key."""

from __future__ import annotations

import sys

from tidewright.clients import jdk
from tidewright.components import objects
from tidewright.model import components, native, values
from tidewright.model import platform as nouns

NAME = "objects"
PORT = "s3"
HEAP_MB = 256


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """The one object store of an environment."""
    folder = values.Folder("run", NAME)
    classes = (values.Folder("programs", f"{objects.PROGRAM.folder}/lib"),)
    conf = values.Folder("run", f"{NAME}/s3proxy.properties")
    java = jdk.command(jdk.JAVA_21, HEAP_MB, classes)
    job = native.LaunchJob(
        argv=(*java, "org.gaul.s3proxy.Main", "--properties", conf),
        folder=folder,
        files={"s3proxy.properties": _configuration()},
        secrets=values.Folder("secrets"),
    )
    argv = (sys.executable, "-P", "-m", "tidewright.clients.launch", "--job")
    objects_folder = values.Folder("data", f"{NAME}/buckets")
    process = nouns.Process(
        argv=(*argv, values.Folder("config", f"{NAME}/job.json")),
        prepare=(nouns.Prepare(("mkdir", objects_folder), objects_folder),),
        job=job,
    )
    return (
        nouns.Service(
            name=NAME,
            role="the object store: the lake's files and checkpoints",
            component=NAME,
            process=process,
            ports=(PORT,),
            probe=nouns.Tcp(PORT),
            patience=30.0,
        ),
    )


def _configuration() -> values.Private:
    host, port = values.Ref(NAME, PORT, "host"), values.Ref(NAME, PORT, "port")
    return values.Private((
        "s3proxy.endpoint=http://", host, ":", port, "\n",
        "s3proxy.authorization=aws-v2-or-v4\n",
        "s3proxy.identity=", native.OBJECTS.key, "\n",
        "s3proxy.credential=", native.OBJECTS.secret, "\n",
        # Trino lists with x-amz-optional-object-attributes, which asks for what is not here.
        "s3proxy.ignore-unknown-headers=true\n",
        "jclouds.provider=filesystem-nio2\n",
        # The folder asks for no credentials of its own, yet the library wants to have some.
        "jclouds.identity=none\njclouds.credential=none\n",
        "jclouds.filesystem.basedir=", values.Folder("data", f"{NAME}/buckets"), "\n",
    ))  # fmt: skip
