"""Flink as two plain processes: a JobManager for one job, and a TaskManager.

The job is a script of SQL that the deployment wrote. The JobManager's own driver runs it, so there
is no gateway, no client and no jar of ours (Flink: FLIP-480). After any end of the JobManager the
next one begins at the newest complete checkpoint.
"""

from __future__ import annotations

import sys

from tidewright.clients import jdk
from tidewright.components import flink
from tidewright.components.flink import settings
from tidewright.model import components, native, values
from tidewright.model import platform as nouns

JOBS, TASKS = "jobmanager", "taskmanager"
REST, RPC, BLOB, DATA = "rest", "rpc", "blob", "data"
INTERVAL_MS = 2000
SLOTS = 2
HEAP_MB = 512
MEMORY = settings.Memory()
MAIN = "org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint"
DRIVER = "org.apache.flink.table.runtime.application.SqlDriver"
WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
DISTRIBUTION = "apache_flink_libraries-2.1.1/deps/lib"
# Kryo and Iceberg look into buffers and collections of the JDK.
OPEN = ("java.nio", "java.lang", "java.util", "java.util.concurrent", "java.net", "java.io",
        "java.text", "java.time", "sun.net.util")  # fmt: skip


def services(binding: components.Binding) -> tuple[nouns.Service, ...]:
    """Both, with one configuration."""
    return (_jobs(binding), _tasks(binding))


def _jobs(binding: components.Binding) -> nouns.Service:
    script = values.Join(("file://", values.Folder("run", "deploy/job.sql")))
    launch = _launch(JOBS, binding, HEAP_MB, (MAIN, "--configDir", values.Folder("run", JOBS)))
    work = ("--job-classname", DRIVER, "--scriptUri", script)
    job = native.JobManagerJob(launch, work, native.OBJECTS, native.CHECKPOINTS)
    argv = (sys.executable, "-P", "-m", "tidewright.pipelines.deploy.recover", "--job")
    return nouns.Service(
        name=JOBS,
        role="runs the job that lands topics in the lake",
        component="flink",
        process=nouns.Process(
            (*argv, values.Folder("config", f"{JOBS}/job.json")), job=job, stop_seconds=30.0
        ),
        ports=(REST, RPC, BLOB),
        probe=nouns.Http(REST, "/jobs/overview", says='"state":"RUNNING"'),
        needs=("deploy", "kafka", "objects", *binding.after),
        patience=120.0,
    )


def _tasks(binding: components.Binding) -> nouns.Service:
    direct = f"-XX:MaxDirectMemorySize={MEMORY.direct}m"
    metaspace = f"-XX:MaxMetaspaceSize={MEMORY.metaspace}m"
    main = (WORKER, "--configDir", values.Folder("run", TASKS))
    job = _launch(TASKS, binding, MEMORY.heap, main, (direct, metaspace))
    argv = (sys.executable, "-P", "-m", "tidewright.clients.launch", "--job")
    return nouns.Service(
        name=TASKS,
        role="does the work of the job",
        component="flink",
        process=nouns.Process(
            (*argv, values.Folder("config", f"{TASKS}/job.json")), job=job, stop_seconds=30.0
        ),
        ports=(RPC, DATA),
        probe=nouns.Tcp(DATA),
        needs=("deploy",),
        patience=60.0,
    )


def _launch(
    name: str,
    binding: components.Binding,
    heap_mb: int,
    main: tuple[values.Value, ...],
    more: jdk.Options = (),
) -> native.LaunchJob:
    logging = values.Join(
        ("-Dlog4j2.configurationFile=", values.Folder("run", name), "/log4j2.properties")
    )
    opened = tuple(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPEN)
    home = flink.PROGRAM.folder
    classes = (
        values.Folder("programs", f"{home}/{DISTRIBUTION}"),
        values.Folder("programs", f"{home}/lib"),
    )
    java = jdk.command(jdk.JAVA_21, heap_mb, classes, (logging, *opened, *more))
    return native.LaunchJob(
        argv=(*java, *main),
        folder=values.Folder("run", name),
        files={
            "config.yaml": _configuration(name, binding),
            "log4j2.properties": values.Private((jdk.LOGGING,)),
            "credentials": _credentials(),
            "pgpass": _pgpass(binding),
        },
        secrets=values.Folder("secrets"),
        env={
            "FLINK_PLUGINS_DIR": values.Folder("programs", f"{home}/plugins"),
            "AWS_REGION": native.OBJECTS.region,
            "AWS_SHARED_CREDENTIALS_FILE": values.Folder("run", f"{name}/credentials"),
            "PGPASSFILE": values.Folder("run", f"{name}/pgpass"),
        },
    )


def _credentials() -> values.Private:
    """For Iceberg's own client of the store; in the job's SQL they would come into the log."""
    return values.Private((
        "[default]\naws_access_key_id = ", native.OBJECTS.key,
        "\naws_secret_access_key = ", native.OBJECTS.secret, "\n",
    ))  # fmt: skip


def _pgpass(binding: components.Binding) -> values.Private:
    """The catalog's password, as PostgreSQL's drivers look it up."""
    at = binding.connections["catalog.own"]
    assert at.password is not None and isinstance(at.host, values.Ref)
    assert isinstance(at.port, values.Ref), "a granted database is reached by its service"
    return values.Private((at.host, ":", at.port, f":{at.database}:{at.user}:", at.password, "\n"))


def _configuration(name: str, binding: components.Binding) -> values.Private:
    """YAML, flat: every key of Flink's may be written out."""
    host = values.Ref(JOBS, RPC, "host")
    table = settings.settings(INTERVAL_MS, SLOTS, MEMORY)
    bucket = native.OBJECTS.bucket
    lines: list[str | int | values.Ref | values.Folder | values.Secret] = [
        "pipeline.name: ", binding.platform, "\n",
        "process.working-dir: ", values.Folder("data", name), "\n",
        "io.tmp.dirs: ", values.Folder("data", name), "\n",
        "execution.checkpointing.dir: s3://", bucket, f"/{native.CHECKPOINTS}\n",
        "s3.endpoint: ", *_parts(native.OBJECTS.endpoint), "\n",
        "s3.access-key: ", native.OBJECTS.key, "\n",
        "s3.secret-key: ", native.OBJECTS.secret, "\n",
        "jobmanager.rpc.address: ", host, "\n",
        "jobmanager.bind-host: ", host, "\n",
        "jobmanager.rpc.port: ", values.Ref(JOBS, RPC, "port"), "\n",
        "blob.server.port: ", values.Ref(JOBS, BLOB, "port"), "\n",
        "rest.address: ", host, "\nrest.bind-address: ", host, "\n",
        "rest.port: ", values.Ref(JOBS, REST, "port"), "\n",
        "taskmanager.host: ", host, "\ntaskmanager.bind-host: ", host, "\n",
        "taskmanager.rpc.port: ", values.Ref(TASKS, RPC, "port"), "\n",
        "taskmanager.data.port: ", values.Ref(TASKS, DATA, "port"), "\n",
    ]  # fmt: skip
    lines += [f"{key}: {value}\n" for key, value in sorted(table.items())]
    return values.Private(tuple(lines))


def _parts(value: values.Value) -> tuple[str | values.Ref | values.Folder, ...]:
    return value.parts if isinstance(value, values.Join) else (str(value),)
