"""Runs the user's dlt sources in dlt's own environment, and says what they bring as messages.

It is run as a file by a Python that has dlt and not us, so it imports the standard library alone;
dlt comes in once stdout is kept for messages. One request, one line of JSON on stdin, is answered.
dlt extracts and normalizes into a private folder that lives as long as this process: what it keeps
between two runs (the sources' state and the tables' schema) comes in with the request, and goes out
in one STATE after the last record. When stdin ends first, the worker is gone and so are we.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

NAME = "tidewright"
BATCH = 1_000
NEWS = 5.0  # seconds between two words about how far it is
FULL = "replace"
# What dlt calls a type, in the words of JSON schema as Airbyte writes it.
TYPES: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "string"},
    "bigint": {"type": "integer"},
    "double": {"type": "number"},
    "bool": {"type": "boolean"},
    "timestamp": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
    "json": {"type": "object"},
    "binary": {"type": "string", "contentEncoding": "base64"},
}
PLACES = {"decimal": 9, "wei": 0}  # dlt's own default of a decimal, where a column names none
Say = Callable[..., None]


class Unfit(Exception):
    """The file has no sources, or they bring what no table can hold."""


def main() -> int:
    """0 when the request was answered, 1 when the sources could not."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the sources print goes to the log
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_worker, daemon=True).start()
    lock = threading.Lock()

    def say(*many: Mapping[str, Any]) -> None:
        lines = [json.dumps(m, default=plain, allow_nan=False) + "\n" for m in many]
        with lock:
            out.writelines(lines)
            out.flush()

    try:
        _read(request, say)
    except Exception as reason:  # the user's code may raise anything at all
        traceback.print_exc()
        say(_failed(told(Path(request["script"]), reason)))
        return 1
    return 0


def _read(request: Mapping[str, Any], say: Say) -> None:
    dlt = import_module("dlt")
    source = made(dlt, Path(request["script"]), request.get("config") or {})
    source = chosen(source, request["streams"])
    before = request.get("state") or {}
    names: set[str] = set()
    problems: list[Exception] = []
    pipeline = dlt.pipeline(
        NAME, pipelines_dir=request["folder"], dataset_name=NAME, progress=_progress(say),
        destination=_destination(dlt, say, names, problems),
    )  # fmt: skip
    for table in before.get("tables", ()):
        source.schema.update_table(table)
    with pipeline.managed_state() as state:
        state["sources"] = dlt.common.json.typed_loads(before.get("sources") or "{}")
    pipeline.extract(source)
    pipeline.normalize(workers=1)
    tables = _known(pipeline, source)
    ours = [t for t in tables if t.get("resource") in source.resources.selected]
    _agree(ours, request["streams"])
    names.update(t["name"] for t in ours)
    # The state is kept under the source's name, so under another one it would begin anew.
    catalog = {"streams": [stream(t) for t in ours], "source": source.schema.name}
    say({"type": "CATALOG", "catalog": catalog})
    for name in sorted({*request["streams"]} & _names(source) - names):
        say(_failed("it has brought no record yet, so its columns are not known", name))
    pipeline.load(workers=1, raise_on_failed_jobs=True)
    if problems:
        raise problems[0]
    for table in ours:
        if is_full(table):
            say(_ended(table["name"]))
    after = {
        "sources": dlt.common.json.typed_dumps(pipeline.state.get("sources") or {}, True),
        "tables": [dict(t) for t in tables],
    }
    if json.loads(json.dumps(after)) != before:
        say({"type": "STATE", "state": {"type": "GLOBAL", **after}})
    for table in ours:
        if not is_full(table):
            say(_ended(table["name"]))


# -- the user's file -----------------------------------------------------------------------------


def made(dlt: Any, script: Path, config: Mapping[str, Any]) -> Any:
    """The file's ``source(config)`` as one source of dlt. Raises Unfit, or what the file raises."""
    sys.path.insert(0, str(script.parent))  # it may have modules beside it
    sys.dont_write_bytecode = True
    name = re.sub(r"\W", "_", script.stem)
    # A module in every respect, since dlt looks where a function comes from; never one of others.
    spec = spec_from_file_location(f"sources_{name}", script)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, "source", None)
    if not callable(make):
        raise Unfit("it has no function source(config)")
    found = make(config)
    if hasattr(found, "resources") and hasattr(found, "schema"):
        source = found
    else:
        many = found if isinstance(found, list | tuple) else [found]
        if not many or any(not hasattr(r, "compute_table_schema") for r in many):
            raise Unfit("source(config) gives neither a source of dlt nor a list of its resources")
        source = dlt.source(lambda: list(many), name=name)()
    source.max_table_nesting = 0
    for resource in source.resources.values():
        resource.max_table_nesting = 0
    return source


def chosen(source: Any, streams: Sequence[str]) -> Any:
    """The source with the resources alone that ``streams`` names, by their name or their table's.

    None named: all of them. A name that fits none stays for the worker to complain of.
    """
    if not streams:
        return source
    fits = [name for name, r in source.resources.items() if _named(r) & set(streams)]
    if not fits:
        raise Unfit(f"of {', '.join(streams)} it has none; it has {', '.join(source.resources)}")
    return source.with_resources(*fits)


def _named(resource: Any) -> set[str]:
    """A resource's own name, and that of its table where it is one and known before."""
    return {resource.name, *(t for t in (resource.table_name,) if isinstance(t, str))}


def _names(source: Any) -> set[str]:
    """What the streams of the chosen resources may be called."""
    return set[str]().union(*(_named(r) for r in source.resources.selected.values()))


def _agree(tables: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> None:
    """The state of dlt covers all that a resource brings, so no table of it may be left out."""
    for table in tables if streams else ():
        if table["name"] not in streams:
            what = f"the resource {table['resource']} also brings {table['name']}"
            raise Unfit(f"{what}, which is not in streams; leave streams out")


def told(script: Path, reason: BaseException) -> str:
    """What went wrong at its root, with the deepest line that is the user's own."""
    chain = list(_chain(reason))
    root = chain[-1]
    frames = [f for one in chain for f in traceback.extract_tb(one.__traceback__)]
    line = next((f.lineno for f in reversed(frames) if f.filename == str(script)), None)
    if isinstance(root, SyntaxError):
        line = root.lineno
    text = next(iter(str(root).strip().splitlines()), "")
    name = "" if isinstance(root, Unfit) else f"{type(root).__name__}: "
    return f"{script.name}{f':{line}' if line else ''}: {name}{text}"


def _chain(reason: BaseException) -> Iterator[BaseException]:
    """What a resource raises, which dlt wraps several times over; the root comes last."""
    found: BaseException | None = reason
    while found is not None:
        yield found
        found = found.__cause__


# -- tables and records --------------------------------------------------------------------------


def is_full(table: Mapping[str, Any]) -> bool:
    """Whether each run replaces what the table holds."""
    return bool(table.get("write_disposition") == FULL)


def stream(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of dlt's schema as a stream. What merges is appended: the newest of a key counts."""
    columns = known(table)
    return {
        "name": table["name"],
        "json_schema": {"type": "object", "properties": {n: typed(c) for n, c in columns.items()}},
        "supported_sync_modes": ["full_refresh", *([] if is_full(table) else ["incremental"])],
        "source_defined_cursor": True,
        "default_cursor_field": [n for n, c in columns.items() if c.get("incremental")],
        "source_defined_primary_key": [[n] for n, c in columns.items() if c.get("primary_key")],
    }


def known(table: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The columns that have a type yet, without dlt's own."""
    columns: Mapping[str, Mapping[str, Any]] = table["columns"]
    return {n: c for n, c in columns.items() if c.get("data_type") and not n.startswith("_dlt_")}


def typed(column: Mapping[str, Any]) -> dict[str, Any]:
    """A column's type in JSON schema; any but the key may be null."""
    kind = column["data_type"]
    if kind in PLACES:
        places = column.get("scale")
        step = Decimal(1).scaleb(-(PLACES[kind] if places is None else places))
        return {"type": ["null", "number"], "multipleOf": float(step)}
    found = TYPES.get(kind)
    if found is None:
        raise Unfit(f"{column['name']} has the type {kind}, which has no column here")
    if kind == "timestamp" and column.get("timezone") is False:
        found = {**found, "airbyte_type": "timestamp_without_timezone"}
    return {**found, "type": ["null", found["type"]]}


def plain(value: object) -> Any:
    """What JSON cannot say itself; a Decimal is written as a number, digit by digit."""
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else str(value)
    if isinstance(value, datetime | date | clock):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise Unfit(f"a record holds {type(value).__name__}, which JSON cannot say")


def _known(pipeline: Any, source: Any) -> list[Mapping[str, Any]]:
    """Every table of the schema that has a column of its own."""
    if source.schema.name not in pipeline.schemas:
        return []
    tables = pipeline.schemas[source.schema.name].to_dict()["tables"].values()
    return [t for t in tables if not t["name"].startswith("_dlt_") and known(t)]


# -- what dlt calls ------------------------------------------------------------------------------


def _destination(dlt: Any, say: Say, names: set[str], problems: list[Exception]) -> Any:
    """Where dlt believes to load to. Names are those that dlt gives in every database.

    ``names``: the tables that are told. ``problems`` gets the first one.
    """

    def tell(items: Sequence[Mapping[str, Any]], table: Mapping[str, Any]) -> None:
        # dlt would hand in a batch again that raised: the first problem is kept, and ends it all.
        if problems:
            return
        try:
            if table["name"] not in names:
                raise Unfit(
                    f"{table['name']} belongs to no resource, and dlt's state would skip it"
                )
            say(*(_record(table["name"], item) for item in items))
        except Exception as reason:
            problems.append(reason)

    return dlt.destination(
        tell, name=NAME, batch_size=BATCH, loader_file_format="typed-jsonl",
        naming_convention="snake_case", skip_dlt_columns_and_tables=True, max_table_nesting=0,
        loader_parallelism_strategy="sequential",
    )()  # fmt: skip


def _progress(say: Say) -> Any:
    """A collector of dlt: while records come, the worker hears of it now and then."""
    base = import_module("dlt.common.runtime.collector").Collector

    class Progress(base):  # type: ignore[misc,valid-type]
        seen: Mapping[str, int] = {}
        due = time.monotonic() + NEWS

        def update(self, name: str, inc: int = 1, *rest: Any, **more: Any) -> None:
            self.seen = {**self.seen, name: self.seen.get(name, 0) + inc}
            if time.monotonic() >= self.due:
                self.due = time.monotonic() + NEWS
                text = ", ".join(f"{n} {count:,}" for n, count in self.seen.items())
                say({"type": "LOG", "log": {"level": "INFO", "message": f"{self.step}: {text}"}})

        def _start(self, step: str) -> None:
            self.seen = {}

        def _stop(self) -> None:
            pass

    return Progress()


def _record(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    data = {k: v for k, v in item.items() if v is not None}
    body = {"stream": name, "data": data, "emitted_at": int(time.time() * 1000)}
    return {"type": "RECORD", "record": body}


def _ended(name: str) -> dict[str, Any]:
    body = {"stream_descriptor": {"name": name}, "status": "COMPLETE"}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "stream_status": body}}


def _failed(message: str, name: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message}
    if name is not None:
        error["stream_descriptor"] = {"name": name}
    return {"type": "TRACE", "trace": {"type": "ERROR", "error": error}}


def _end_with_worker() -> None:
    """The sources may wait for a server for long, so it ends at once."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
