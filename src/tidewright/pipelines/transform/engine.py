"""What a refresh asks of an SQL engine, whichever runs the models.

``embedded`` is DuckDB in this process, ``trino`` the server of an environment of real engines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tidewright import errors
from tidewright.pipelines.lake import reader
from tidewright.pipelines.publish import mart

# Where models are made, in any engine.
SCHEMA = "marts"


class QueryFailed(Exception):
    """An engine refused a statement. Internal: callers turn it into a finding with a place."""


class EngineAway(errors.StepFailed, errors.Transient):
    """The engine did not answer; the marts stay, and the same refresh may succeed later."""


@dataclass(frozen=True, slots=True)
class Look:
    """How many rows a query has, and the first of them as text for a person."""

    count: int
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be published. ``relation``: its quoted name in the engine.

    ``schema`` and ``table``: the same name in parts, unquoted.
    """

    name: str
    relation: str
    key: tuple[str, ...]
    schema: str = SCHEMA
    table: str = ""


class Engine(Protocol):
    """One engine, for one process."""

    def profile(self) -> Mapping[str, object]:
        """How dbt reaches it: one output of a profile."""

    def point(self, tables: Mapping[str, reader.PinnedTable]) -> None:
        """Make ``<schema>.<table>`` show each table as it was pinned. Raises QueryFailed."""

    def look(self, query: str, limit: int) -> Look:
        """Run the one SELECT in a text, comments and semicolon included. Raises QueryFailed."""

    def mart(self, model: Model) -> mart.Mart:
        """What a model holds now. Raises QueryFailed."""

    def close(self) -> None:
        """Give back what is held; nothing else is called afterwards."""


def quoted(name: str) -> str:
    """An SQL identifier, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string, whatever it contains."""
    return "'" + text.replace("'", "''") + "'"


def shown(value: object) -> str:
    """A value for a person."""
    return "NULL" if value is None else str(value)
