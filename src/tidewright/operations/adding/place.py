"""Which kind of source a word names, what its table is called, how the file says where it is."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib import parse

from tidewright import errors

Kind = Literal["file", "web", "postgres"]
ENDINGS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".csv.gz": "csv", ".tsv.gz": "csv",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
SCHEMES = {"postgres": "postgres", "postgresql": "postgres", "http": "web", "https": "web"}
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
KNOWN = (
    "Known here: CSV (.csv, .tsv, .csv.gz), Parquet, http and https addresses, postgres:// URLs."
)


def kind(word: str) -> Kind:
    """Raises Refused for an address that nothing reads."""
    scheme, found, _ = word.partition("://")
    if not found:
        return "file"
    if scheme.lower() in SCHEMES:
        return SCHEMES[scheme.lower()]  # type: ignore[return-value]  # the table's values are kinds
    raise errors.Refused("source.unknown_kind", f"nothing reads {scheme}://", shown(word), KNOWN)


def shown(word: str) -> str:
    """The source for messages: of an address no user, no password and no query."""
    parts = parse.urlsplit(word) if "://" in word else None
    if parts is None:
        return word
    host = parts.netloc.rpartition("@")[2]
    return parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def is_secret(url: str) -> bool:
    """Whether an address holds what only some may know: a login, or a query, which may be a key."""
    parts = parse.urlsplit(url)
    return "@" in parts.netloc or bool(parts.query)


def local(word: str) -> Path:
    """The file, absolute. Raises Refused where there is none, or nothing reads its kind."""
    file = Path(os.path.normpath(Path(word).expanduser().absolute()))
    if not file.is_file():
        what = "it is a folder" if file.is_dir() else "there is no such file"
        raise errors.Refused("source.not_there", what, word, "Name one file that is there.")
    form(word)
    return file


def form(word: str) -> str:
    """Which of csv and parquet, by the end of the name. Raises Refused for another."""
    name = _path(word).lower()
    found = next((ENDINGS[end] for end in sorted(ENDINGS, key=len) if name.endswith(end)), None)
    if found is None:
        what = f"nothing reads files called {Path(name).suffix or name}"
        raise errors.Refused("source.unknown_kind", what, shown(word), KNOWN)
    return found


def is_plain(word: str) -> bool:
    """Whether the connector sees the form by itself."""
    return _path(word).lower().endswith((".csv", ".csv.gz", ".parquet"))


def table(word: str) -> str:
    """The name of its table: the file's, as lower-case letters, digits and underscores."""
    name = Path(_path(word)).name.lower()
    for end in sorted(ENDINGS, key=len, reverse=True):
        name = name.removesuffix(end)
    found = re.sub(r"[^a-z0-9_]+", "_", name).strip("_")
    found = found if found[:1].isalpha() else f"t_{found}"
    return found[:63].rstrip("_")


def check_name(option: str, name: str) -> None:
    """Raises SpecError for what cannot be a table's name."""
    if not NAME.fullmatch(name):
        hint = "Use a lower-case letter, then letters, digits or _."
        finding = errors.Finding(
            "file.wrong_value", f"{name!r} is no name for a table", errors.Where(option), hint
        )
        raise errors.SpecError((finding,))


def written(file: Path, folder: Path) -> str:
    """The path as the platform file says it: from its own folder where the file lies below it."""
    try:
        return file.relative_to(folder).as_posix()
    except ValueError:
        return str(file)


def _path(word: str) -> str:
    return parse.unquote(parse.urlsplit(word).path) if "://" in word else word
