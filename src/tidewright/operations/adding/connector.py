"""Reads CSV and Parquet files, here or behind a web address, as streams of a load.

`tidewright add source` wrote this file; it is yours to change. What it reads stands in
platform.yaml, each stream under the name of its table:

    files:
      orders:
        path: orders.csv               # from the folder of platform.yaml; or absolute; or https://
        columns: [id integer, total decimal(2), placed_at timestamp]

Each column is a name and a type: integer, number, decimal(PLACES), text, boolean, date, timestamp,
timestamptz, time or json. Optional: `delimiter`, and `format: csv` or `parquet` where the name of
the file does not say it.

A file is read whole whenever it changed, and its table then holds what the file holds. The first
line of a CSV file names its columns, in any order; an empty field is null. A column that is not
listed here is kept as JSON text in `_additional_properties`. What does not fit its type stops the
stream with the line, and the table keeps what it had.
"""

import atexit
import base64
import contextlib
import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

PAGE = 2_000  # records at once
STILL = 2.0  # seconds after which a last line without its end is a whole one
SECONDS = 30.0  # how long a web server may be silent
HERE = Path(__file__).resolve().parent.parent  # the folder of platform.yaml

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
TIME = re.compile(CLOCK)
TIMESTAMP = re.compile(f"{DATE.pattern}[ T]{CLOCK}")
TIMESTAMPTZ = re.compile(f"{TIMESTAMP.pattern} ?(Z|[-+][0-9]{{2}}(:?[0-9]{{2}})?)")
DECIMAL = re.compile(r"decimal\(([0-9]|[12][0-9])\)")
WORDS = {"true": True, "false": False}
# What JSON schema calls them.
NULL = "null"
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"type": ["integer", NULL]},
    "number": {"type": ["number", NULL]},
    "text": {"type": ["string", NULL]},
    "boolean": {"type": ["boolean", NULL]},
    "date": {"type": ["string", NULL], "format": "date"},
    "timestamptz": {"type": ["string", NULL], "format": "date-time"},
    "timestamp": {
        "type": ["string", NULL],
        "format": "date-time",
        "airbyte_type": "timestamp_without_timezone",
    },
    "time": {
        "type": ["string", NULL],
        "format": "time",
        "airbyte_type": "time_without_timezone",
    },
    "json": {},
}


class Connector:
    """What a load asks for: the streams, their records, and whether a file is as it was."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.files: Mapping[str, Any] = config.get("files") or {}
        self.fetched: dict[str, tuple[Path, Any]] = {}

    def streams(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "mode": "full", "schema": schema(entry)}
            for name, entry in self.files.items()
        ]

    def unchanged(self, name: str, state: Any) -> bool:
        """Whether the file is what it was when it was read last; then it is not read again."""
        entry = self.files[name]
        if state.get("as") != digest(entry):
            return False  # the same file, now read in another way
        if is_web(entry["path"]):
            return self.fetch(name, state.get("tags")) is None
        return bool(state.get("file") == mark(place(entry["path"])))

    def read(self, name: str, _: Any) -> Iterator[tuple[list[dict[str, Any]], Any]]:
        """Everything, page by page. The state says which file it was."""
        entry = self.files[name]
        found: dict[str, Any] = {"as": digest(entry)}
        if is_web(entry["path"]):
            file, tags = self.fetched.pop(name, None) or self.fetch(name, None) or (None, None)
            assert file is not None, "it was asked for without a condition"
            found["tags"] = tags
        else:
            file = place(entry["path"])
            # Taken before it is read: what is written meanwhile is seen at the next sync.
            found = {} if is_growing(file) else {**found, "file": mark(file)}
        page: list[dict[str, Any]] = []
        for record in records(entry, file):
            page.append(record)
            if len(page) >= PAGE:
                yield page, found
                page = []
        yield page, found

    def fetch(self, name: str, tags: Mapping[str, str] | None) -> tuple[Path, Any] | None:
        """The file behind an address; None: the server says that it is as ``tags`` know it."""
        request = asked(self.files[name]["path"], tags)
        target = spare() / (name + ending(request.selector))
        try:
            with (
                urllib.request.urlopen(request, timeout=SECONDS) as answer,
                target.open("wb") as to,
            ):
                shutil.copyfileobj(answer, to)
                told = {h: answer.headers[h] for h in ("ETag", "Last-Modified")}
        except urllib.error.HTTPError as reason:
            reason.close()
            if reason.code == 304:
                return None
            raise OSError(f"{request.host} answers {reason.code} {reason.reason}") from None
        except urllib.error.URLError as reason:
            raise OSError(f"{request.host} cannot be reached: {reason.reason}") from None
        self.fetched[name] = target, {h: v for h, v in told.items() if v}
        return self.fetched[name]


# -- places -------------------------------------------------------------------------------------


def spare() -> Path:
    """A folder that is gone when this process ends."""
    made = Path(tempfile.mkdtemp(prefix="tidewright-files-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def is_web(path: str) -> bool:
    return path.startswith(("https://", "http://"))


def place(path: str) -> Path:
    found = HERE / path
    if not found.is_file():
        raise FileNotFoundError(f"there is no file {path}; its table keeps what it had")
    return found


def mark(file: Path) -> list[int]:
    """What changes when a file does."""
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def is_growing(file: Path) -> bool:
    """Whether somebody seems to be writing its last line; that line is read when it has an end."""
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        opened.seek(max(0, status.st_size - 1))
        return time.time() - status.st_mtime < STILL and opened.read(1) not in (b"", b"\n")


def digest(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]


def asked(url: str, tags: Mapping[str, str] | None) -> urllib.request.Request:
    """The request; a user and a password in the address go into a header, as servers want it."""
    parts = urllib.parse.urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    headers = {"User-Agent": "tidewright"}
    if login:
        told = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
        headers["Authorization"] = f"Basic {told}"
    conditions = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    headers |= {conditions[h]: v for h, v in (tags or {}).items() if h in conditions}
    return urllib.request.Request(
        urllib.parse.urlunsplit(parts._replace(netloc=host)), None, headers
    )


def ending(path: str) -> str:
    return "".join(Path(urllib.parse.urlsplit(path).path).suffixes[-1:])


def form(entry: Mapping[str, Any]) -> str:
    """Which of csv and parquet: as the entry says, else by the name."""
    name = urllib.parse.urlsplit(entry["path"]).path if is_web(entry["path"]) else entry["path"]
    return str(entry.get("format") or ("parquet" if name.lower().endswith(".parquet") else "csv"))


def schema(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {n: typed(n, t) for n, t in columns(entry).items()}}


def columns(entry: Mapping[str, Any]) -> dict[str, str]:
    """Name and type of each column, in the order of the table."""
    split = (str(column).rpartition(" ") for column in entry.get("columns") or ())
    return {name: kind for name, _, kind in split}


def typed(name: str, word: str) -> Mapping[str, Any]:
    places = DECIMAL.fullmatch(word)
    if places:
        return {"type": ["number", NULL], "multipleOf": float(f"1e-{places[1]}")}
    if word not in SCHEMAS:
        raise ValueError(f"{name}: {word!r} is no type; known: {', '.join(SCHEMAS)}, decimal(2)")
    return SCHEMAS[word]


# -- records ------------------------------------------------------------------------------------


def records(entry: Mapping[str, Any], file: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, with the types that the entry says."""
    return parquet(file) if form(entry) == "parquet" else table(entry, file)


def table(entry: Mapping[str, Any], file: Path) -> Iterator[dict[str, Any]]:
    """Each line of a CSV file by the names of the first one."""
    kinds = columns(entry)
    readers = {name: reader(kind) for name, kind in kinds.items()}
    found = lines(file, entry.get("delimiter", ","))
    _, header = next(found, (0, []))
    if len(set(header)) < len(header):
        raise ValueError("two columns have the same name")
    plan = [(name, readers.get(name, str)) for name in header]
    for number, fields in found:
        if len(fields) != len(header):
            raise ValueError(f"line {number} has {len(fields)} fields, the first {len(header)}")
        record: dict[str, Any] = {}
        for (name, read), text in zip(plan, fields, strict=True):
            try:
                record[name] = read(text) if text else None
            except (ValueError, ArithmeticError):
                what = f"line {number}: {name} is {text[:60]!r}, no {kinds[name]}"
                raise ValueError(what) from None
        yield record


def lines(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of each line that is not empty."""
    with contextlib.closing(opened(file)) as stream:
        reading = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            yield from ((reading.line_num, fields) for fields in reading if fields)
        except csv.Error as reason:
            raise ValueError(f"line {reading.line_num}: {reason}") from None
        except UnicodeDecodeError:
            raise ValueError(f"after line {reading.line_num}: it is not UTF-8") from None


def opened(file: Path) -> io.TextIOWrapper:
    """As text, without a line that somebody is still writing."""
    if file.suffix.lower() == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    raw = Upto(file)
    return io.TextIOWrapper(io.BufferedReader(raw, 1 << 20), encoding="utf-8-sig", newline="")


class Upto(io.RawIOBase):
    """A file as long as it was at the start, up to the end of its last whole line."""

    def __init__(self, file: Path) -> None:
        self.inner = file.open("rb")
        status = os.fstat(self.inner.fileno())
        self.left = status.st_size
        if time.time() - status.st_mtime < STILL:
            self.left = end_of_lines(self.inner, self.left)
        self.inner.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.inner.read(min(len(buffer), self.left))
        buffer[: len(data)] = data
        self.left -= len(data)
        return len(data)

    def close(self) -> None:
        self.inner.close()
        super().close()


def end_of_lines(file: io.BufferedReader, size: int) -> int:
    """Where the last line of the first ``size`` bytes ends that has an end."""
    at = size
    while at > 0:
        begin = max(0, at - 65_536)
        file.seek(begin)
        found = file.read(at - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        at = begin
    return 0


def parquet(file: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq  # noqa: PLC0415  loaded only where a file needs it

    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(batch_size=PAGE):
            for record in batch.to_pylist():
                yield {name: plain(value) for name, value in record.items()}


def plain(value: Any) -> Any:
    """What JSON has no word for, as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


# -- the fields of a CSV file -------------------------------------------------------------------


def reader(word: str) -> Callable[[str], Any]:
    """How a field becomes a value of a type; raises ValueError for one that is none."""
    return READERS["decimal" if DECIMAL.fullmatch(word) else word]


def integer(text: str) -> int:
    return int(matched(INTEGER, text))


def number(text: str) -> float:
    return float(matched(NUMBER, text))


def decimal(text: str) -> Decimal:
    return Decimal(matched(NUMBER, text))


def boolean(text: str) -> bool:
    try:
        return WORDS[text.lower()]
    except KeyError:
        raise ValueError from None


def day(text: str) -> str:
    return date.fromisoformat(matched(DATE, text)).isoformat()


def timestamp(text: str) -> str:
    return datetime.fromisoformat(matched(TIMESTAMP, text)).isoformat()


def timestamptz(text: str) -> str:
    return datetime.fromisoformat(matched(TIMESTAMPTZ, text).replace(" +", "+")).isoformat()


def moment(text: str) -> str:
    return clock.fromisoformat(matched(TIME, text)).isoformat()


def matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError
    return text


READERS: Mapping[str, Callable[[str], Any]] = {
    "integer": integer,
    "number": number,
    "decimal": decimal,
    "boolean": boolean,
    "date": day,
    "timestamp": timestamp,
    "timestamptz": timestamptz,
    "time": moment,
    "text": str,
    "json": json.loads,
}
