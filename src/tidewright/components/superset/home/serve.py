"""Superset made ready and served: its tables, an administrator, the platform's charts, gunicorn.

Runs in Superset's own virtual environment, where nothing of ours can be imported. One import of
Superset does everything (it takes seconds); gunicorn then forks its one worker from here. How it
is goes to the status file: until the worker runs from here, then from a thread of the worker.
"""

import argparse
import contextlib
import json
import os
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EVERY = 2.0
LOOK = 5.0
THREADS = 6
ROWS = """
select c.table_schema || '.' || c.table_name, c.column_name, c.data_type
from information_schema.columns c where c.table_schema !~ '^(pg_|information_schema)'
order by 1, c.ordinal_position
"""
TIMES = ("date", "timestamp without time zone", "timestamp with time zone")

Columns = dict[str, list[tuple[str, str]]]


class Beat:
    """The status file, written every two seconds by a thread that a fork leaves behind."""

    def __init__(self, file: str) -> None:
        self.file = Path(file)
        self.healthy, self.message = False, "starting"
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def say(self, message: str, *, healthy: bool = False) -> None:
        self.healthy, self.message = healthy, message
        self.write()

    def write(self) -> None:
        told: dict[str, Any] = {"at_ms": time.time_ns() // 1_000_000, "pid": os.getpid()}
        told |= {"healthy": self.healthy, "message": self.message, "schema_version": 1}
        new = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(told) + "\n", encoding="utf-8")
            new.replace(self.file)

    def run(self) -> None:
        while not self.ended.wait(EVERY):
            self.write()

    def end(self) -> None:
        self.ended.set()
        self.thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="tidewright-superset")
    parser.add_argument("--job", required=True)
    file = parser.parse_args().job
    os.environ["TIDEWRIGHT_JOB"] = file
    os.environ["SUPERSET_CONFIG_PATH"] = str(Path(__file__).with_name("settings.py"))
    job = json.loads(Path(file).read_text(encoding="utf-8"))
    beat = Beat(job["status"])
    beat.say("loading Superset")
    from superset.app import create_app

    app = create_app()
    charts = Charts(app.config["TIDEWRIGHT_JOB"])
    with app.app_context():
        prepare(beat, charts.job)
        beat.say("importing the charts")
        charts.bring()
        from superset.extensions import db

        db.session.remove()
        db.engine.dispose()  # a connection does not survive a fork
    beat.say("starting its web server")
    beat.end()
    serve(app, charts)


# --- Its tables, permissions and administrator


def prepare(beat: Beat, job: Any) -> None:
    """What a new version needs once, and what each start makes sure of."""
    from superset import appbuilder, security_manager
    from superset.extensions import db
    from superset.utils.decorators import transaction

    if version() != installed():
        beat.say("making its tables; that takes a minute at the first start")
        from flask_migrate import upgrade

        upgrade()
        beat.say("making its roles and permissions")

        @transaction()  # type: ignore[untyped-decorator]  # Superset's
        def init() -> None:
            appbuilder.add_permissions(update_perms=True)
            security_manager.sync_role_definitions()

        init()
        with db.engine.begin() as conn:
            conn.execute("create table if not exists tidewright_prepared (version text)")
            conn.execute("delete from tidewright_prepared")
            conn.execute("insert into tidewright_prepared values (%s)", (installed(),))
    administrator(job.secret(job["admin"]))


def version() -> str | None:
    """The version that the metadata was prepared for; nothing before the first time."""
    from superset.extensions import db

    with db.engine.begin() as conn:
        there = conn.execute("select to_regclass('tidewright_prepared') is not null").scalar()
        return conn.execute("select version from tidewright_prepared").scalar() if there else None


def installed() -> str:
    from importlib import metadata

    return metadata.version("apache-superset")


def administrator(password: str) -> None:
    """The account ``admin``, whose password is the one in the secret store."""
    from superset import security_manager
    from werkzeug.security import check_password_hash

    user = security_manager.find_user(username="admin")
    if user is None:
        role = security_manager.find_role("Admin")
        security_manager.add_user(
            "admin", "Platform", "Admin", "admin@localhost", role, password=password
        )
    elif not check_password_hash(user.password, password):
        security_manager.reset_password(user.id, password)


# --- The platform's charts


class Charts:
    """Imports the assets, completed with the columns that the marts have at that moment."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.folder = Path(job["assets"])
        self.known: Columns | None = None

    def bring(self) -> bool:
        """Import when the columns are not those of the last import. Answers whether it did."""
        columns = self.columns()
        if columns == self.known:
            return False
        from flask import g
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        user = security_manager.find_user(username="admin")
        with override_user(user):
            g.user = user
            ImportAssetsCommand(self.contents(columns)).run()
        self.known = columns
        return True

    def columns(self) -> Columns:
        """Schema and mart -> ((column, type), ...), as the marts are now."""
        import psycopg2

        to = self.job["marts"]
        login = {"user": to["user"], "password": self.job.secret(to["password"])}
        place = {"host": to["host"], "port": to["port"], "dbname": to["database"]}
        found: Columns = {}
        marts = psycopg2.connect(**place, **login, connect_timeout=5)
        with contextlib.closing(marts), marts.cursor() as cursor:
            cursor.execute(ROWS)
            for table, column, kind in cursor.fetchall():
                found.setdefault(table, []).append((column, kind))
        return found

    def contents(self, columns: Columns) -> dict[str, str]:
        """The files to import: path -> text."""
        made: dict[str, str] = {}
        datasets: dict[str, str] = {}
        for file in sorted(self.folder.rglob("*.yaml")):
            path = str(file.relative_to(self.folder))
            text = file.read_text(encoding="utf-8")
            made[path] = text
            if path.startswith("datasets/"):
                body = json.loads(text)
                name = f"{body['schema']}.{body['table_name']}"
                datasets[body["uuid"]] = name
                made[path] = json.dumps(completed(body, columns.get(name, ())))
        for path in [p for p in made if p.startswith("charts/")]:
            body = json.loads(made[path])
            if body["viz_type"] == "table":
                names = [name for name, _ in columns.get(datasets[body["dataset_uuid"]], ())]
                body["params"]["all_columns"] = names
                made[path] = json.dumps(body)
        return made


def completed(dataset: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A dataset with its mart's columns; what a chart names and the mart lacks stays, and says so
    when it is drawn.
    """
    there = [
        {"column_name": name, "type": kind.upper(), "is_dttm": kind in TIMES,
         "groupby": True, "filterable": True}
        for name, kind in columns
    ]  # fmt: skip
    names = {name for name, _ in columns}
    lacking = [c for c in dataset["columns"] if c["column_name"] not in names]
    main = next((name for name, kind in columns if kind in TIMES), None)
    return {**dataset, "columns": [*there, *lacking], "main_dttm_col": main}


# --- The web server


def serve(app: Any, charts: Charts) -> None:
    """Gunicorn with one worker of several threads; it ends on SIGTERM."""
    from gunicorn.app.base import BaseApplication

    job = charts.job
    options = {
        "bind": f"{job['host']}:{job['port']}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": THREADS,
        "timeout": 120,
        "graceful_timeout": 5,
        "loglevel": "warning",
        "post_worker_init": lambda worker: watch(app, charts),
    }

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            for key, value in options.items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return app

    Server().run()


def watch(app: Any, charts: Charts) -> None:
    """In the worker: say how it is, and bring the charts again when a mart's columns change."""
    beat = Beat(charts.job["status"])
    beat.say("starting its web server")
    thread = threading.Thread(target=watching, args=(app, charts, beat), daemon=True)
    thread.start()


def watching(app: Any, charts: Charts, beat: Beat) -> None:
    while True:
        wrong = page(charts.job)
        note = ""
        try:
            with app.app_context():
                charts.bring()
        except Exception as reason:  # whatever it is, Superset goes on without the newest columns
            note = f"; its charts could not be brought up to date: {str(reason).splitlines()[0]}"
        beat.say(wrong or f"serves dashboards{note}", healthy=not wrong)
        time.sleep(LOOK)


def page(job: Any) -> str:
    """What is wrong with a page that needs Superset's database, templates and files; or nothing."""
    url = f"http://{job['host']}:{job['port']}/login/"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return "" if answer.status == 200 else f"/login/ answered {answer.status}"
    except OSError as reason:
        return f"/login/: {reason}"


if __name__ == "__main__":
    main()
