"""PostgreSQL as a plain process: its data folder made once, its files, arguments and probe.

It listens on the address that the target gives it and on no socket file, and admits nobody
without SCRAM. Roles and databases are made by ``clients.grants``, which runs as a task after it.
"""

from __future__ import annotations

import sys

from tidewright.clients import pgserver
from tidewright.components.postgres import settings
from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.model import platform as nouns

PORT = "sql"
ADMIN = "postgres"


def server(asked: components.Server) -> nouns.Service:
    """One server. Its volume is ``data/<name>/pg``, its files lie in ``config/<name>``."""
    name = asked.name
    files = {"postgresql.conf": _configuration(asked), "pg_hba.conf": _admission()}
    process = nouns.Process(
        argv=(_program("postgres"), "-D", _data(name), "-c", _joined("config_file=", _conf(name))),
        files={f"{name}/{file}": text for file, text in files.items()},
        prepare=_prepare(asked),
        drops_root=True,
        stop_signal="INT",
        stop_seconds=20.0,
        pid_file=values.Folder("data", f"{name}/pg/postmaster.pid"),
    )
    return nouns.Service(name, asked.role, "postgres", process, ports=(PORT,), probe=_ready(name))


def grants(name: str, job: jobs.GrantsJob, server_name: str) -> nouns.Service:
    """The task that creates roles and databases on a server of ours."""
    argv = (sys.executable, "-P", "-m", "tidewright.clients.grants", "--job")
    process = nouns.Process((*argv, values.Folder("config", f"{name}/job.json")), job=job)
    role = f"creates roles and databases on {server_name}"
    return nouns.Service(name, role, "postgres", process, kind="task", needs=(server_name,))


def connection(server_name: str, database: str, login: jobs.Login) -> flows.Connection:
    """How to reach a database of a server of ours."""
    host, port = _address(server_name)
    return flows.Connection(host, port, database, login.user, login.password)


def _prepare(asked: components.Server) -> tuple[nouns.Prepare, ...]:
    """Made beside its place and then renamed, so that a crash in between leaves nothing half."""
    new = values.Folder("data", f"{asked.name}/pg.new")
    done = values.Folder("data", f"{asked.name}/pg/PG_VERSION")
    make = (
        *(_program("initdb"), "-D", new, "-U", ADMIN, "-E", "UTF8", "--locale=C.UTF-8"),
        *("-A", "scram-sha-256", "--pwfile=/dev/stdin"),
    )
    return (
        nouns.Prepare(("rm", "-rf", new), done),
        nouns.Prepare(make, done, stdin_secret=asked.admin),
        nouns.Prepare(("mv", new, _data(asked.name)), done),
    )


def _configuration(asked: components.Server) -> values.Join:
    lines: list[str | values.Ref | values.Folder] = [
        "listen_addresses = '", values.Ref(asked.name, PORT, "host"), "'\n",
        "port = ", values.Ref(asked.name, PORT, "port"), "\n",
        "unix_socket_directories = ''\n",
        "hba_file = '", values.Folder("config", f"{asked.name}/pg_hba.conf"), "'\n",
    ]  # fmt: skip
    table = settings.settings(asked.logical, asked.settings)
    lines += [f"{key} = {settings.quoted(value)}\n" for key, value in sorted(table.items())]
    return values.Join(tuple(lines))


def _admission() -> values.Join:
    """Loopback only, and never without SCRAM; the administrator may also copy the whole server."""
    who = ("all all", f"replication {ADMIN}")
    where = ("127.0.0.1/32", "::1/128")
    return values.Join(tuple(f"host {w} {a} scram-sha-256\n" for w in who for a in where))


def _ready(name: str) -> nouns.Command:
    """Asks as a client does: a server that still recovers accepts connections and refuses them."""
    host, port = _address(name)
    argv = (_program("pg_isready"), "-t", "3", "-d", ADMIN, "-h", host, "-p", port)
    return nouns.Command(argv)


def _address(server_name: str) -> tuple[values.Ref, values.Ref]:
    return values.Ref(server_name, PORT, "host"), values.Ref(server_name, PORT, "port")


def _program(name: str) -> str:
    return str(pgserver.program(name))


def _data(name: str) -> values.Folder:
    return values.Folder("data", f"{name}/pg")


def _conf(name: str) -> values.Folder:
    return values.Folder("config", f"{name}/postgresql.conf")


def _joined(text: str, folder: values.Folder) -> values.Join:
    return values.Join((text, folder))
