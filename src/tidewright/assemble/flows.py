"""The typed file as the model's flow: one function for each step kind, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidewright.assemble import names
from tidewright.components.postgres import program as postgres
from tidewright.model import components, jobs, values
from tidewright.model import flow as flows
from tidewright.spec import connectors, load, steps

# The component, the database of its metadata, and its word in the file.
BI = "superset"
# Where published marts lie in the marts database.
MARTS = "marts"


def flow(spec: load.Spec) -> flows.Flow:
    """The whole data path of one environment."""
    goals = spec.document.goals
    carried = topics(spec)
    return flows.Flow(
        sources=(
            *(_source(spec, name) for name in spec.document.sources),
            *((_log(spec),) if carried else ()),
        ),
        stages=(
            *(STAGES[type(step)](step) for step in spec.document.flow),
            *((_carrying(carried),) if carried else ()),
        ),
        goals=flows.Goals(goals.fresh, goals.rto, goals.rpo, goals.uptime),
        charts=_charts(spec),
    )


def _charts(spec: load.Spec) -> tuple[flows.Chart, ...]:
    """A mart that no step publishes is a rollup's table; the file's checks have seen to it."""
    flow = spec.document.flow
    published = {t for s in flow if isinstance(s, steps.PublishStep) for t in s.publish.tables}
    rolled = next((s.rollup.to for s in flow if isinstance(s, steps.RollupStep)), MARTS)
    return tuple(
        flows.Chart(c.name, c.mart, c.kind, c.x, c.y, MARTS if c.mart in published else rolled)
        for c in spec.document.charts
    )


def workloads(spec: load.Spec) -> tuple[components.Workload, ...]:
    """The scripts that work on managed sources."""
    found = ((name, source.postgres) for name, source in spec.document.sources.items())
    return tuple(
        components.Workload(name, s.workload, 1000.0 if s.rate is None else s.rate)
        for name, s in found
        if s.workload is not None
    )


def has_bi(spec: load.Spec) -> bool:
    """Whether the environment runs a BI tool."""
    return spec.document.engines.bi == BI


def database(spec: load.Spec, source: str) -> str:
    """The database of a managed source."""
    return spec.document.sources[source].postgres.database or source


def topics(spec: load.Spec) -> tuple[str, ...]:
    """The topics that any step appends to, sorted."""
    tables = (APPENDS, REFUSES)
    found = (t[type(s)](s) for s in spec.document.flow for t in tables if type(s) in t)
    return tuple(sorted(set(found)))


def keeps_views(spec: load.Spec) -> bool:
    """Whether any step writes into the keyed database."""
    return any(isinstance(step, steps.StreamStep) for step in spec.document.flow)


def _log(spec: load.Spec) -> flows.PostgresSource:
    """The log server as a source: it is followed like any other, for what is added to it."""
    derived = names.replication(spec.document.platform, spec.environment, names.TOPICS)
    role = names.role(names.TOPICS, "capture")
    login = jobs.Login(role, values.Secret(names.secret(names.LOG, "capture")))
    ours = postgres.connection(names.LOG, names.TOPICS, login)
    return flows.PostgresSource(
        names.TOPICS, ours, derived, derived, managed=True, append_only=True
    )


def _carrying(carried: tuple[str, ...]) -> flows.Capture:
    """The topics into the lake, each as a raw table that shows every column typed."""
    tables = tuple(f"{names.TOPICS}.{topic}" for topic in carried)
    return flows.Capture(names.TOPICS, tables, "raw_data", dict.fromkeys(tables, TOPIC_COLUMNS))


def _source(spec: load.Spec, name: str) -> flows.PostgresSource:
    url = spec.document.sources[name].postgres.url
    derived = names.replication(spec.document.platform, spec.environment, name)
    if url is not None:
        theirs = flows.Connection("", 0, "", "", None, tls="prefer", url=values.Secret(url.secret))
        return flows.PostgresSource(name, theirs, derived, derived, managed=False)
    server = names.source_server(name)
    role = names.role(database(spec, name), "capture")
    login = jobs.Login(role, values.Secret(names.secret(server, "capture")))
    ours = postgres.connection(server, database(spec, name), login)
    return flows.PostgresSource(name, ours, derived, derived, managed=True)


def _capture(step: steps.CaptureStep) -> flows.Capture:
    body = step.capture
    raw = {table: tuple(columns) for table, columns in body.raw_columns.items()}
    return flows.Capture(body.source, tuple(body.tables), body.to, raw)


def _ingest(step: steps.IngestStep) -> flows.Ingest:
    body = step.ingest
    rate = 0.0 if body.workload is None else 100.0 if body.rate is None else body.rate
    return flows.Ingest(body.assets, body.every, body.keep, body.workload, rate)


def _merge(step: steps.MergeStep) -> flows.Merge:
    return flows.Merge(step.merge.into)


def _load(step: steps.LoadStep) -> flows.Load:
    body = step.load
    made = _connector(body.connector)
    return flows.Load(
        made, tuple(body.streams), body.every, body.to, body.timeout, body.cron, body.zone
    )


def _connector(of: connectors.Connector) -> flows.Connector:
    if isinstance(of, connectors.AirbyteConnector):
        return flows.Connector("airbyte", of.airbyte, of.config)
    if isinstance(of, connectors.DltConnector):
        return flows.Connector("dlt", of.dlt, of.config, packages=tuple(of.packages))
    rate = 20.0 if of.rate is None else of.rate
    return flows.Connector("python", of.python, of.config, of.workload, rate)


def _pull(step: steps.PullStep) -> flows.Pull:
    body = step.pull
    rate = 0.0 if body.workload is None else 50.0 if body.rate is None else body.rate
    return flows.Pull(body.python, body.every, body.to, body.workload, rate)


def _stream(step: steps.StreamStep) -> flows.Stream:
    body = step.stream
    views = tuple(flows.Target(t.keyed, tuple(t.key), t.order) for t in body.to if t.keyed)
    accepted = next(t.append for t in body.to if t.append)
    return flows.Stream(body.source, body.sql, accepted, body.rejects, views)


def _receive(step: steps.ReceiveStep) -> flows.Receive:
    body = step.receive
    rate = 500.0 if body.rate is None else body.rate
    return flows.Receive(body.http, body.schema_, body.to, body.rejects, body.workload, rate)


def _sessions(step: steps.SessionsStep) -> flows.Sessions:
    body = step.sessions
    return flows.Sessions(
        body.topic, body.key, body.time, body.gap, body.late, body.to,
        tuple(body.first), tuple(body.last),
    )  # fmt: skip


def _rollup(step: steps.RollupStep) -> flows.Rollup:
    return flows.Rollup(step.rollup.topic, step.rollup.sql, step.rollup.to)


def _model(step: steps.ModelStep) -> flows.Transform:
    return flows.Transform(step.model.dbt, tuple(step.model.layers))


def _check(step: steps.CheckStep) -> flows.Check | flows.Audit:
    if step.check.pandera is not None:
        return flows.Audit(step.check.pandera)
    assert step.check.dir is not None
    return flows.Check(step.check.dir, step.check.on_fail)


def _publish(step: steps.PublishStep) -> flows.Publish:
    return flows.Publish(tuple(step.publish.tables), step.publish.to)


STAGES: Mapping[type, Callable[[Any], flows.Stage]] = {
    steps.CaptureStep: _capture,
    steps.IngestStep: _ingest,
    steps.MergeStep: _merge,
    steps.LoadStep: _load,
    steps.PullStep: _pull,
    steps.StreamStep: _stream,
    steps.ReceiveStep: _receive,
    steps.SessionsStep: _sessions,
    steps.RollupStep: _rollup,
    steps.ModelStep: _model,
    steps.CheckStep: _check,
    steps.PublishStep: _publish,
}
# The steps that append to a topic, and how each names it.
APPENDS: Mapping[type, Callable[[Any], str]] = {
    steps.PullStep: lambda step: step.pull.to,
    steps.ReceiveStep: lambda step: step.receive.to,
}
# Those that put what they refuse into a second topic.
REFUSES: Mapping[type, Callable[[Any], str]] = {
    steps.ReceiveStep: lambda step: step.receive.rejects
}
TOPIC_COLUMNS = ("topic_offset", "at", "key", "value")
KINDS: Mapping[type, str] = {
    flows.Capture: "capture",
    flows.Ingest: "ingest",
    flows.Audit: "audit",
    flows.Merge: "merge",
    flows.Load: "load",
    flows.Pull: "pull",
    flows.Stream: "stream",
    flows.Receive: "receive",
    flows.Sessions: "sessions",
    flows.Rollup: "rollup",
    flows.Transform: "model",
    flows.Check: "check",
    flows.Publish: "publish",
}
