"""The steps of a flow and the kinds of source: one class each, and what is still to come.

A new step is a class here, a member of ``Step``, and one function in ``assemble.flows``.
Sources that are still to come are listed in ``LATER_SOURCES``, so that their names are understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from tidewright.kit import schedule
from tidewright.spec import connectors, fields

LATER_SOURCES: Mapping[str, str] = {
    "mysql": "MySQL", "mongodb": "MongoDB", "http": "HTTP", "kafka": "Kafka", "files": "files",
}  # fmt: skip
LEAST_EVERY = 0.1
COMING = "Leave it out for now; ROADMAP.md says when it comes."


class Postgres(fields.Strict):
    """A PostgreSQL: your own by ``url``, or one that the platform runs for a ``workload``."""

    url: (
        Annotated[fields.SecretRef, BeforeValidator(fields.not_in_clear("a URL stands", "url"))]
        | None
    ) = None
    workload: fields.Place | None = None
    rate: fields.Rate | None = None
    database: fields.Name | None = None

    @model_validator(mode="after")
    def one_form(self) -> Postgres:
        """Either a server of the user's own, or one of ours."""
        ours = [k for k in ("workload", "rate", "database") if getattr(self, k) is not None]
        if self.url is not None and ours:
            what = f"url says that the server is yours, and {ours[0]} that it is ours"
            hint = "Keep url alone, or remove it (url: null in an environment)."
            raise fields.wrong("file.wrong_value", what, hint)
        if self.url is None and self.workload is None:
            what = "the source says neither where it is nor what works on it"
            hint = (
                "Write url: {secret: NAME} for your own, or workload: workload.py for one of ours."
            )
            raise fields.wrong("file.missing_key", what, hint)
        return self


def _source_kind(value: Any) -> Any:
    return _one_key(value, ("postgres",), LATER_SOURCES, "a source")


class SourceKind(fields.Strict):
    """A source: one key, its kind."""

    postgres: Postgres


Source = Annotated[SourceKind, BeforeValidator(_source_kind)]


class Capture(fields.Strict):
    """Follow tables of a source into raw and current-state tables."""

    source: fields.Name = Field(alias="from")
    tables: list[fields.TableName] = Field(min_length=1)
    to: fields.Name = "raw_data"
    raw_columns: dict[fields.TableName, list[fields.ColumnName]] = Field(default_factory=dict)


class Load(fields.Strict):
    """Pull a connector's streams on a schedule into append-only tables.

    When: ``every`` so long, or by ``cron`` in the time zone ``zone``. ``timeout``: silence of the
    connector that is too long.
    """

    connector: connectors.Connector
    streams: list[fields.StreamName] = Field(default_factory=list)
    every: fields.Duration | None = None
    cron: str | None = None
    zone: str = "UTC"
    to: fields.Name = "bronze"
    timeout: fields.Duration = 120.0

    @model_validator(mode="after")
    def some_time(self) -> Load:
        """One way to say when, and neither time may be nothing."""
        if (self.every is None) == (self.cron is None):
            what = "exactly one of every and cron says when it is pulled"
            hint = 'Write every: 5m, or cron: "0 3 * * *" with zone: Europe/Berlin.'
            code = "file.missing_key" if self.cron is None else "file.wrong_value"
            raise fields.wrong(code, what, hint)
        for name, least in (("every", 0.5), ("timeout", 1.0)):
            if (getattr(self, name) or least) < least:
                what = f"{name} is shorter than {least:g} s"
                raise fields.wrong("file.wrong_value", what, f"Write {name}: {least:g}s or more.")
        return self

    @model_validator(mode="after")
    def on_a_calendar(self) -> Load:
        """A cron expression that comes, in a time zone that there is."""
        problem = schedule.problem(self.cron) if self.cron is not None else ""
        if problem:
            hint = 'Write minute, hour, day, month and weekday, for example "0 3 * * *".'
            raise fields.wrong("file.wrong_value", f"cron {self.cron!r}: {problem}", hint)
        problem = schedule.zone_problem(self.zone)
        if problem:
            raise fields.wrong("file.wrong_value", problem, "Write UTC or Europe/Berlin.")
        return self


class Pull(fields.Strict):
    """Run a Python file on a schedule; the events that it returns go to a topic, with its state.

    ``workload`` is a script that plays the interface on this machine, at ``rate`` events a second.
    """

    python: fields.Place
    every: fields.Duration
    to: fields.Topic
    workload: fields.Place | None = None
    rate: fields.Rate | None = None

    @model_validator(mode="after")
    def possible(self) -> Pull:
        """Some time between two pulls, and no rate of nothing."""
        if self.every < LEAST_EVERY:
            what = f"every is shorter than {LEAST_EVERY:g} s"
            raise fields.wrong("file.wrong_value", what, f"Write every: {LEAST_EVERY:g}s or more.")
        if self.rate is not None and self.workload is None:
            what = "rate says how fast the workload works, and there is none"
            hint = "Add workload: FILE.py, or remove rate."
            raise fields.wrong("file.wrong_value", what, hint)
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Target(fields.Strict):
    """Where accepted rows go: a view that is read by key, or a table that only grows.

    ``order``: of the rows of one key the one with the greatest value stays; without it the last.
    """

    keyed: fields.TableName | None = None
    append: fields.TableName | None = None
    key: Annotated[list[fields.ColumnName], BeforeValidator(_listed)] = Field(default_factory=list)
    order: fields.ColumnName | None = None

    @model_validator(mode="after")
    def one_form(self) -> Target:
        """Keyed by something, or appended to."""
        if (self.keyed is None) == (self.append is None):
            what = "a target says either keyed or append"
            hint = "Write {keyed: SCHEMA.TABLE, key: COLUMN} or {append: SCHEMA.TABLE}."
            raise fields.wrong("file.wrong_value", what, hint)
        if self.keyed is not None and not self.key:
            what = "a keyed view needs the columns of its key"
            raise fields.wrong("file.missing_key", what, "Add key: COLUMN, or key: [ONE, OTHER].")
        if self.append is not None and (self.key or self.order):
            what = "key and order belong to a keyed view, and this table only grows"
            raise fields.wrong("file.wrong_value", what, "Remove them, or write keyed.")
        return self


class Stream(fields.Strict):
    """SQL over the new events of a topic, again and again; bad ones go to ``rejects``."""

    source: fields.Topic = Field(alias="from")
    sql: fields.Place
    to: list[Target] = Field(min_length=1)
    rejects: fields.TableName


class Ingest(fields.Strict):
    """Run marked Python functions on a branch of the catalog, a new one for each run."""

    assets: fields.Place
    branch: Literal["per-run"] = "per-run"
    every: fields.Duration = 15.0
    keep: fields.Duration = 86_400.0
    workload: fields.Place | None = None
    rate: fields.Rate | None = None

    @model_validator(mode="after")
    def paced(self) -> Ingest:
        """A run begins every second at most, and a rate belongs to a workload."""
        if self.every < 1:
            what = "runs cannot begin more often than every second"
            raise fields.wrong("file.wrong_value", what, "Write for example every: 15s")
        if self.rate is not None and self.workload is None:
            what = "a rate stands here, and no workload that it could be of"
            raise fields.wrong(
                "file.missing_key", what, "Add workload: FILE.py, or leave rate out."
            )
        return self


class Merge(fields.Strict):
    """Publish a branch that passed its checks, all its tables at once."""

    into: Literal["main"]


class Receive(fields.Strict):
    """Take events over HTTP into a topic, and those that do not fit into another."""

    http: fields.UrlPath
    schema_: fields.Place = Field(alias="schema")
    to: fields.Topic
    rejects: fields.Topic
    workload: fields.Place | None = None
    rate: fields.Rate | None = None


class Sessions(fields.Strict):
    """Cut the events of a topic into sessions by key and silence, and land them as Delta tables."""

    topic: fields.Topic = Field(alias="from")
    key: fields.Property
    time: fields.Property = "at"
    gap: fields.Duration
    late: fields.Duration
    to: fields.Topic
    first: list[fields.Property] = Field(default_factory=list)
    last: list[fields.Property] = Field(default_factory=list)


class Rollup(fields.Strict):
    """Keep the tables of ClickHouse's SQL file from a topic and its sessions."""

    topic: fields.Topic = Field(alias="from")
    sql: fields.Place
    to: fields.Topic = "olap"


class Model(fields.Strict):
    """A dbt project, run on one pinned commit. ``layers``: its folders, from raw to fine."""

    dbt: fields.Place
    layers: list[fields.Name] = Field(default_factory=list)


class Check(fields.Strict):
    """SQL files that each return the rows that are wrong, or Pandera schemas for a branch."""

    dir: fields.Place | None = None
    on_fail: Literal["keep-last-good"] = "keep-last-good"
    pandera: fields.Place | None = None

    @model_validator(mode="after")
    def one_form(self) -> Check:
        """SQL on marts, or Pandera on a branch."""
        if (self.dir is None) == (self.pandera is None):
            what = "a check is either dir (SQL files) or pandera (a Python file)"
            raise fields.wrong("file.missing_key", what, "Write one of dir: and pandera:.")
        return self


class Publish(fields.Strict):
    """Bring models to a database as marts, all in one transaction."""

    tables: list[fields.ModelName] = Field(min_length=1)
    to: Literal["postgres"]


class CaptureStep(fields.Strict):
    capture: Capture


class LoadStep(fields.Strict):
    load: Load


class PullStep(fields.Strict):
    pull: Pull


class StreamStep(fields.Strict):
    stream: Stream


class IngestStep(fields.Strict):
    ingest: Ingest


class MergeStep(fields.Strict):
    merge: Merge


class ReceiveStep(fields.Strict):
    receive: Receive


class SessionsStep(fields.Strict):
    sessions: Sessions


class RollupStep(fields.Strict):
    rollup: Rollup


class ModelStep(fields.Strict):
    model: Model


class CheckStep(fields.Strict):
    check: Check


class PublishStep(fields.Strict):
    publish: Publish


AnyStep: TypeAlias = (
    CaptureStep
    | LoadStep
    | PullStep
    | StreamStep
    | IngestStep
    | MergeStep
    | ReceiveStep
    | SessionsStep
    | RollupStep
    | ModelStep
    | CheckStep
    | PublishStep
)


def _kinds() -> tuple[str, ...]:
    return tuple(next(iter(step.model_fields)) for step in get_args(AnyStep))


def _step_kind(value: Any) -> Any:
    return _one_key(value, _kinds(), {}, "a step")


def _tag(value: Any) -> str:
    return str(next(iter(value))) if isinstance(value, dict) else type(value).__name__


Step = Annotated[
    Annotated[CaptureStep, Tag("capture")]
    | Annotated[LoadStep, Tag("load")]
    | Annotated[PullStep, Tag("pull")]
    | Annotated[StreamStep, Tag("stream")]
    | Annotated[IngestStep, Tag("ingest")]
    | Annotated[MergeStep, Tag("merge")]
    | Annotated[ReceiveStep, Tag("receive")]
    | Annotated[SessionsStep, Tag("sessions")]
    | Annotated[RollupStep, Tag("rollup")]
    | Annotated[ModelStep, Tag("model")]
    | Annotated[CheckStep, Tag("check")]
    | Annotated[PublishStep, Tag("publish")],
    Discriminator(_tag),
    BeforeValidator(_step_kind),
]


def _one_key(value: Any, known: tuple[str, ...], later: Mapping[str, str], noun: str) -> Any:
    example = f"Write {{{known[0]}: {{...}}}}. Known here: {', '.join(known)}."
    if not isinstance(value, dict) or len(value) != 1:
        raise fields.wrong("file.wrong_type", f"{noun} is a map with exactly one key", example)
    key = next(iter(value))
    if key in later:
        what = f"{key} ({later[key]}) is not supported yet"
        raise fields.wrong("file.not_yet", what, COMING)
    if key not in known:
        what = f"{key!r} is not {noun} that we know"
        raise fields.wrong("file.unknown_key", what, fields.suggestion(key, (*known, *later)))
    return value
