"""The metrics page: what was observed, in Prometheus' text format. One row of FAMILIES each.

Names carry their unit; times are seconds and sizes bytes, as Prometheus asks. Nothing is measured
here: each figure is one that a process wrote into its status file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tidewright.model import observed, views

Sample: TypeAlias = tuple[Mapping[str, str], float | int | None]
Samples: TypeAlias = Iterator[Sample]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: ``samples`` yields labels and value; a value of None is left out."""

    name: str
    kind: Literal["gauge", "counter", "summary"]
    help: str
    samples: Callable[[views.Observation], Samples]


def render(observation: views.Observation) -> str:
    """The whole page. A family without a sample is left out."""
    return "".join(_family(family, observation) for family in FAMILIES)


def _family(family: Family, observation: views.Observation) -> str:
    lines = [
        f"{family.name}{_labels(labels)} {_number(value)}"
        for labels, value in family.samples(observation)
        if value is not None
    ]
    if not lines:
        return ""
    head = [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
    return "\n".join([*head, *lines]) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(round(value, 9))


def _services(of: Callable[[observed.ServiceState], int]) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for service in seen.supervisor.services if seen.supervisor else ():
            yield {"service": service.name}, of(service)

    return samples


def _capture(
    of: Callable[[observed.CaptureStatus], float | int | None],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        if seen.capture:
            yield {}, of(seen.capture)

    return samples


def _refresh(
    of: Callable[[observed.RefreshStatus], float | int | None],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        if seen.refresh:
            yield {}, of(seen.refresh)

    return samples


def _datasets(
    of: Callable[[observed.DatasetState], float | int],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for dataset in seen.datasets:
            yield {"dataset": dataset.dataset}, of(dataset)

    return samples


def _movers(seen: views.Observation) -> Samples:
    for service, mover in seen.movers.items():
        yield {"service": service, "stage": mover.stage}, mover.changes


def _counted(seen: views.Observation) -> Samples:
    for service, mover in seen.movers.items():
        for name, count in mover.counters.items():
            if name not in NAMED:
                yield {"service": service, "stage": mover.stage, "what": name}, count


def _named(name: str, scale: float | None = None) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for service, mover in seen.movers.items():
            if name in mover.counters:
                found = mover.counters[name]
                labels = {"service": service, "stage": mover.stage}
                yield labels, found * scale if scale else found

    return samples


def _failed_events(seen: views.Observation) -> Samples:
    for service, mover in seen.movers.items():
        for name in FAILED_EVENTS:
            if name in mover.counters:
                labels = {"service": service, "stage": mover.stage, "what": name}
                yield labels, mover.counters[name]


def _event_rates(seen: views.Observation) -> Samples:
    for service, mover in seen.movers.items():
        if mover.stage in OF_EVENTS and mover.datasets:
            # Each dataset of such a stage is told the rate of the events that it took.
            labels = {"service": service, "stage": mover.stage}
            yield labels, max(d.rate for d in mover.datasets)


def _checks(of: Callable[[observed.CheckState], int]) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for check in seen.refresh.checks if seen.refresh else ():
            yield {"check": check.name}, of(check)

    return samples


def _marts(
    of: Callable[[observed.MartState], float | int | None],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for mart in seen.refresh.marts if seen.refresh else ():
            yield {"mart": mart.name}, of(mart)

    return samples


def _workloads(
    of: Callable[[observed.WorkloadStatus], float | int],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        for source, workload in seen.workloads.items():
            yield {"source": source}, of(workload)

    return samples


def _quantiles(labels: Mapping[str, str], found: observed.Percentiles) -> Samples:
    for quantile, value in (("0.5", found.p50), ("0.95", found.p95), ("0.99", found.p99)):
        yield {**labels, "quantile": quantile}, value / 1000


def _freshness(seen: views.Observation) -> Samples:
    for hop, found in seen.hops.items():
        yield from _quantiles({"hop": hop}, found)


def _commit_seconds(seen: views.Observation) -> Samples:
    if seen.capture and seen.capture.commit_ms:
        yield from _quantiles({}, seen.capture.commit_ms)


def _ages(seen: views.Observation) -> Samples:
    files = {"supervisor": seen.supervisor, "capture": seen.capture, "refresh": seen.refresh}
    for name, status in files.items():
        if status:
            yield {"writer": name}, (seen.at_ms - status.at_ms) / 1000
    for source, workload in seen.workloads.items():
        yield {"writer": f"workload-{source}"}, (seen.at_ms - workload.at_ms) / 1000
    for service, mover in seen.movers.items():
        yield {"writer": service}, (seen.at_ms - mover.at_ms) / 1000


def _backup(
    of: Callable[[observed.BackupStatus, int], float | int | None],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        if seen.backup:
            yield {}, of(seen.backup, seen.at_ms)

    return samples


def _drill(
    of: Callable[[observed.DrillStatus, int], float | int | None],
) -> Callable[[views.Observation], Samples]:
    def samples(seen: views.Observation) -> Samples:
        if seen.drill:
            yield {}, of(seen.drill, seen.at_ms)

    return samples


def _age(since_ms: int | None, now_ms: int) -> float | None:
    return None if since_ms is None else (now_ms - since_ms) / 1000


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


# What stages count that has a metric of its own: not all of it only grows.
FAILED_EVENTS = ("events_rejected", "events_set_aside", "rejected")
NAMED = (
    *FAILED_EVENTS, "sessions_per_batch", "sessions_open", "processing_ms", "failed_writes",
    "failed_in_a_row", "connections", "waiting_bytes",
)  # fmt: skip
# Stages that take events one by one, all of them from one place.
OF_EVENTS = ("pull", "receive", "stream", "sessions", "rollup")

FAMILIES = (
    Family("tidewright_service_healthy", "gauge", "1 when the service is healthy.",
           _services(lambda s: int(s.healthy))),
    Family("tidewright_service_restarts_total", "counter", "Restarts by the supervisor.",
           _services(lambda s: s.restarts)),
    Family("tidewright_status_age_seconds", "gauge", "Age of each status file.", _ages),
    Family("tidewright_freshness_seconds", "gauge",
           "Delay of a hop over the last minute, by quantile.", _freshness),
    Family("tidewright_capture_changes_total", "counter", "Changes captured.",
           _capture(lambda c: c.changes)),
    Family("tidewright_capture_commits_total", "counter", "Commits to the lake.",
           _capture(lambda c: c.commits)),
    Family("tidewright_capture_commit_seconds", "gauge",
           "Duration of a commit over the last minute, by quantile.", _commit_seconds),
    Family("tidewright_capture_lag_bytes", "gauge", "WAL between the source and the lake.",
           _capture(lambda c: c.lag_bytes)),
    Family("tidewright_source_wal_kept_bytes", "gauge", "WAL that the source keeps for us.",
           _capture(lambda c: c.wal_kept_bytes)),
    Family("tidewright_source_wal_cap_bytes", "gauge", "WAL that the source will keep at most.",
           _capture(lambda c: c.wal_cap_bytes)),
    Family("tidewright_dataset_rows", "gauge", "Rows of a dataset.", _datasets(lambda d: d.rows)),
    Family("tidewright_dataset_changes_per_second", "gauge", "Changes arriving per second.",
           _datasets(lambda d: d.rate)),
    Family("tidewright_dataset_following", "gauge", "1 when the dataset follows its source.",
           _datasets(lambda d: int(d.state == "following"))),
    Family("tidewright_stage_changes_total", "counter", "Rows that a stage moved.", _movers),
    Family("tidewright_stage_events_per_second", "gauge",
           "Events that a stage took per second, over the last few seconds.", _event_rates),
    Family("tidewright_stage_sessions_per_batch", "gauge",
           "Sessions that the last batch closed.", _named("sessions_per_batch")),
    Family("tidewright_stage_sessions_open", "gauge", "Sessions that may still grow.",
           _named("sessions_open")),
    Family("tidewright_stage_batch_seconds", "gauge", "Processing time of the last batch.",
           _named("processing_ms", 0.001)),
    Family("tidewright_stage_failed_events_total", "counter",
           "Events that a stage refused or set aside with a reason, by what it calls them.",
           _failed_events),
    Family("tidewright_stage_failed_writes_total", "counter",
           "Writes of a stage that failed and were tried again.", _named("failed_writes")),
    Family("tidewright_stage_failures_in_a_row", "gauge",
           "Failed attempts of a stage since its last good one.", _named("failed_in_a_row")),
    Family("tidewright_stage_connections", "gauge", "Connections that an endpoint has open.",
           _named("connections")),
    Family("tidewright_stage_waiting_bytes", "gauge",
           "Log of a topic that the lake does not have yet.", _named("waiting_bytes")),
    Family("tidewright_stage_counted_total", "counter",
           "What a stage counts besides, by name, such as answers_200.", _counted),
    Family("tidewright_refreshes_total", "counter", "Refreshes of the marts.",
           _refresh(lambda r: r.refreshes)),
    Family("tidewright_refresh_seconds", "gauge", "Duration of the last refresh.",
           _refresh(lambda r: r.last_seconds)),
    Family("tidewright_check_ok", "gauge", "1 when the check passed.",
           _checks(lambda c: int(c.ok))),
    Family("tidewright_check_failing_rows", "gauge", "Rows that a check found wrong.",
           _checks(lambda c: c.failing)),
    Family("tidewright_mart_rows", "gauge", "Rows of a mart.", _marts(lambda m: m.rows)),
    Family("tidewright_mart_published_timestamp_seconds", "gauge", "When a mart was published.",
           _marts(lambda m: _seconds(m.published_ms))),
    Family("tidewright_workload_changes_total", "counter", "Changes made by our workload.",
           _workloads(lambda w: w.changes)),
    Family("tidewright_workload_changes_per_second", "gauge", "Rate of our workload.",
           _workloads(lambda w: w.rate)),
    Family("tidewright_backup_age_seconds", "gauge", "Age of the newest recovery point.",
           _backup(lambda b, now: _age(b.point_ms, now))),
    Family("tidewright_backup_points", "gauge", "Recovery points that are kept.",
           _backup(lambda b, _: b.points)),
    Family("tidewright_backup_bytes", "gauge", "Size of everything in the backup place.",
           _backup(lambda b, _: b.bytes)),
    Family("tidewright_backup_seconds", "gauge", "Duration of the last backup.",
           _backup(lambda b, _: b.last_seconds)),
    Family("tidewright_backup_ok", "gauge", "1 when backups are made as the file asks.",
           _backup(lambda b, _: int(b.state == "running"))),
    Family("tidewright_backup_worst_loss_seconds", "gauge",
           "Work that a disaster costs at worst, by the schedule.",
           _backup(lambda b, _: b.worst_loss)),
    Family("tidewright_drill_good_age_seconds", "gauge", "Age of the last good drill.",
           _drill(lambda d, now: _age(d.good_ms, now))),
    Family("tidewright_drill_ok", "gauge", "1 when the last drill was good.",
           _drill(lambda d, _: int(d.ok))),
    Family("tidewright_drill_rto_seconds", "gauge", "Time that the last drill took to serve.",
           _drill(lambda d, _: d.rto)),
    Family("tidewright_drill_rpo_seconds", "gauge", "Work that the last drill would have lost.",
           _drill(lambda d, _: d.rpo)),
)  # fmt: skip
