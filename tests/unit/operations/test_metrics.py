"""The metrics page: each family from the figure it stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.console import scenes

from tidewright.model import observed, views
from tidewright.operations import metrics

LOAD = observed.MoverStatus(
    -500, 1, "load", True, "running", "", changes=77, counters={"syncs": 9, "failed_in_a_row": 1}
)
EVENTS = observed.DatasetState("clickstream.events", "following", 9, 512.5, None, None)
SESSIONS = replace(
    LOAD, stage="sessions", datasets=(EVENTS, replace(EVENTS, dataset="clickstream.sessions")),
    counters={"events": 9, "events_set_aside": 2, "sessions_open": 5, "sessions_per_batch": 4,
              "processing_ms": 250, "failed_writes": 1},
)  # fmt: skip
RECEIVE = replace(LOAD, stage="receive", counters={"connections": 7, "waiting_bytes": 8})
BACKUP = observed.BackupStatus(
    -500, 1, True, "running", "", "p1", -60_000, 60_000, 4, 581_000, 2.5, 900.0
)
DRILL = observed.DrillStatus(-500, True, "p1", -3_600_000, 41.0, 12.0)
SEEN = replace(
    scenes.observation(trouble=True, now_ms=0),
    movers={"load-shop": LOAD, "sessions": SESSIONS, "receive": RECEIVE},
    backup=BACKUP,
    drill=DRILL,
)
PAGE = metrics.render(SEEN)
EXPECTED = {
    "tidewright_service_healthy": ('{service="capture"}', "1"),
    "tidewright_service_restarts_total": ('{service="refresh"}', "4"),
    "tidewright_status_age_seconds": ('{writer="supervisor"}', "0.3"),
    "tidewright_freshness_seconds": ('{hop="source_to_lake",quantile="0.95"}', "0.402"),
    "tidewright_capture_changes_total": ("", "1603461"),
    "tidewright_capture_commits_total": ("", "1947"),
    "tidewright_capture_commit_seconds": ('{quantile="0.5"}', "0.017"),
    "tidewright_capture_lag_bytes": ("", "18432"),
    "tidewright_source_wal_kept_bytes": ("", "34603008"),
    "tidewright_source_wal_cap_bytes": ("", "4294967296"),
    "tidewright_dataset_rows": ('{dataset="bank.users"}', "48211"),
    "tidewright_dataset_changes_per_second": ('{dataset="bank.users"}', "214.0"),
    "tidewright_dataset_following": ('{dataset="bank.users"}', "1"),
    "tidewright_stage_changes_total": ('{service="load-shop",stage="load"}', "77"),
    "tidewright_stage_counted_total": ('{service="load-shop",stage="load",what="syncs"}', "9"),
    "tidewright_stage_events_per_second": ('{service="sessions",stage="sessions"}', "512.5"),
    "tidewright_stage_sessions_per_batch": ('{service="sessions",stage="sessions"}', "4"),
    "tidewright_stage_sessions_open": ('{service="sessions",stage="sessions"}', "5"),
    "tidewright_stage_batch_seconds": ('{service="sessions",stage="sessions"}', "0.25"),
    "tidewright_stage_failed_events_total": (
        '{service="sessions",stage="sessions",what="events_set_aside"}',
        "2",
    ),
    "tidewright_stage_failed_writes_total": ('{service="sessions",stage="sessions"}', "1"),
    "tidewright_stage_failures_in_a_row": ('{service="load-shop",stage="load"}', "1"),
    "tidewright_stage_connections": ('{service="receive",stage="receive"}', "7"),
    "tidewright_stage_waiting_bytes": ('{service="receive",stage="receive"}', "8"),
    "tidewright_backup_age_seconds": ("", "60.0"),
    "tidewright_backup_points": ("", "4"),
    "tidewright_backup_bytes": ("", "581000"),
    "tidewright_backup_seconds": ("", "2.5"),
    "tidewright_backup_ok": ("", "1"),
    "tidewright_backup_worst_loss_seconds": ("", "900.0"),
    "tidewright_drill_good_age_seconds": ("", "3600.0"),
    "tidewright_drill_ok": ("", "1"),
    "tidewright_drill_rto_seconds": ("", "41.0"),
    "tidewright_drill_rpo_seconds": ("", "12.0"),
    "tidewright_refreshes_total": ("", "611"),
    "tidewright_refresh_seconds": ("", "0.61"),
    "tidewright_check_ok": ('{check="emails_are_unique"}', "0"),
    "tidewright_check_failing_rows": ('{check="emails_are_unique"}', "2"),
    "tidewright_mart_rows": ('{mart="top_accounts"}', "20"),
    "tidewright_mart_published_timestamp_seconds": ('{mart="top_accounts"}', "-1.4"),
    "tidewright_workload_changes_total": ('{source="bank"}', "1284390"),
    "tidewright_workload_changes_per_second": ('{source="bank"}', "1003.0"),
}


@pytest.mark.parametrize("family", metrics.FAMILIES, ids=lambda f: f.name)
def test_each_family_has_help_type_and_the_figure(family: metrics.Family) -> None:
    labels, value = EXPECTED[family.name]
    assert f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n" in PAGE
    assert f"\n{family.name}{labels} {value}\n" in PAGE


def test_what_goes_up_and_down_is_no_counter() -> None:
    for name in ("sessions_open", "processing_ms", "connections", "failed_in_a_row"):
        assert f'what="{name}"' not in PAGE
    assert 'what="events"' in PAGE


def test_nothing_observed_is_an_empty_page() -> None:
    assert metrics.render(views.Observation(at_ms=0)) == ""


def test_a_name_from_the_data_cannot_forge_a_line() -> None:
    family = metrics.Family("x", "gauge", "h", lambda seen: iter([({"a": 'b"}\ny 1\\'}, 1)]))
    assert metrics._family(family, views.Observation(at_ms=0)).splitlines()[2:] == [
        'x{a="b\\"}\\ny 1\\\\"} 1'
    ]


def test_names_carry_units_and_counters_end_in_total() -> None:
    for family in metrics.FAMILIES:
        assert family.name.startswith("tidewright_")
        assert (family.kind == "counter") == family.name.endswith("_total")
