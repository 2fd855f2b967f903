"""What a user may connect to: console, source, marts, metrics and the three ways to the catalog."""

from __future__ import annotations

from collections.abc import Iterator

from tidewright.assemble import claims, flows, names
from tidewright.model import platform as nouns
from tidewright.model import values
from tidewright.spec import load, steps

CONSOLE, HTTP, SQL = "console", "http", "sql"
# The names of the secrets that open the console, its metrics and the catalog front.
# The name of the secret that senders of events know.
EVENTS = "events"
# Of the real engines: name, service, port, scheme.
ENGINES = (
    ("kafka", "kafka", "broker", "kafka"),
    ("connect", "connect", "rest", "http"),
    ("flink", "jobmanager", "rest", "http"),
    ("trino", "trino", "http", "http"),
    ("objects", "objects", "s3", "http"),
)
KEYS = {"console": "console", "metrics": "metrics", "catalog.rest": "catalog"}


def endpoints(spec: load.Spec, services: tuple[nouns.Service, ...]) -> tuple[nouns.Endpoint, ...]:
    """The endpoints of the services that are there."""
    running = {s.name for s in services}
    return tuple(e for e in _all(spec) if e.service in running)


def _all(spec: load.Spec) -> Iterator[nouns.Endpoint]:
    yield _web("console", "/")
    for step in spec.document.flow:
        if isinstance(step, steps.ReceiveStep):
            yield _events(step.receive.http)
    for place in claims.places(spec):
        match place.key:
            case "catalog":
                yield _database("catalog.sql", place, "read")
            case claims.KEYED:
                yield _database("keyed", place, "read")
            case claims.TOPICS:
                yield _database("topics", place, "own")
            case "marts":
                yield _database("marts", place, "read")
            case flows.BI:
                continue
            case _:
                yield _database("source", place, "own")
    if flows.has_bi(spec):
        yield _superset()
    for name, service, port, scheme in ENGINES:
        yield nouns.Endpoint(name, service, _url(scheme, service, port), None, None)
    yield _web("metrics", "/metrics")
    yield _web("catalog.rest", "/catalog")
    warehouse = values.Join(("file://", values.Folder("lake")))
    yield nouns.Endpoint("catalog.warehouse", claims.STORE, warehouse, None, None)


def _database(name: str, place: claims.Place, access: str) -> nouns.Endpoint:
    host, port = (
        values.Ref(place.server, SQL, "host"),
        values.Ref(place.server, SQL, "port"),
    )
    url = values.Join(("postgresql://", host, ":", port, f"/{place.database}"))
    user = names.role(place.database, access)
    return nouns.Endpoint(name, place.server, url, user, names.secret(place.prefix, access))


def _url(scheme: str, service: str, port: str) -> values.Join:
    host, number = values.Ref(service, port, "host"), values.Ref(service, port, "port")
    return values.Join((f"{scheme}://", host, ":", number))


def _superset() -> nouns.Endpoint:
    host, port = values.Ref(flows.BI, HTTP, "host"), values.Ref(flows.BI, HTTP, "port")
    url = values.Join(("http://", host, ":", port, "/"))
    return nouns.Endpoint(flows.BI, flows.BI, url, "admin", f"{flows.BI}-admin")


def _events(path: str) -> nouns.Endpoint:
    host, port = values.Ref("receive", HTTP, "host"), values.Ref("receive", HTTP, "port")
    url = values.Join(("http://", host, ":", port, path))
    return nouns.Endpoint("events", "receive", url, None, EVENTS)


def _web(name: str, path: str) -> nouns.Endpoint:
    host, port = values.Ref(CONSOLE, HTTP, "host"), values.Ref(CONSOLE, HTTP, "port")
    url = values.Join(("http://", host, ":", port, path))
    return nouns.Endpoint(name, CONSOLE, url, None, KEYS[name])
