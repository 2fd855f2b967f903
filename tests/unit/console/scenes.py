"""A bank as its status files would show it, well and in trouble, for tests and screenshots."""

from __future__ import annotations

import math
import time

from tidewright.model import observed, views

DAY_MS = 86_400_000


def services(trouble: bool = False) -> tuple[observed.ServiceState, ...]:
    rows = (
        ("source-bank", "the bank's PostgreSQL", "running", 4121, "accepts connections", 0),
        ("store", "catalog and marts", "running", 4122, "accepts connections", 0),
        ("grants-bank", "roles and databases", "done", None, "3 roles, 2 databases", 0),
        ("grants-store", "roles and databases", "done", None, "4 roles, 2 databases", 0),
        ("workload-bank", "sign-ups and transfers", "running", 4178, "1,000 changes/s", 0),
        ("capture", "source to lake", "running", 4180, "committed 396 changes in 21 ms", 1),
        ("refresh", "models, checks, marts", "running", 4181, "published 3 marts in 0.61 s", 0),
        ("console", "this page", "running", 4120, "serving", 0),
    )
    found = tuple(
        observed.ServiceState(n, r, s, p, s == "running", m, k) for n, r, s, p, m, k in rows
    )
    if not trouble:
        return found
    worse = observed.ServiceState("refresh", "models", "backoff", None, False, "exit code 1", 4)
    return (*found[:6], worse, found[7])


def observation(trouble: bool = False, now_ms: int | None = None) -> views.Observation:
    now = int(time.time() * 1000) if now_ms is None else now_ms
    return views.Observation(
        at_ms=now,
        supervisor=observed.SupervisorStatus(now - 300, 4100, 1.0, "running", services(trouble)),
        capture=capture(now),
        refresh=refresh(now, trouble),
        workloads={
            "bank": observed.WorkloadStatus(now - 200, 4178, True, "writing", 1_284_390, 1003.0)
        },
    )


def capture(now: int) -> observed.CaptureStatus:
    wave = 40 * math.sin(now / 4000)
    tables = (("bank.users", 48_211, 214.0), ("bank.accounts", 96_870, 786.0))
    tables += (("raw_data.users", 402_117, 214.0), ("raw_data.accounts", 1_201_344, 786.0))
    datasets = tuple(
        observed.DatasetState(n, "following", r, rate + wave / 2, "0/3A41C7F8", 812, "")
        for n, r, rate in tables
    )
    return observed.CaptureStatus(
        at_ms=now - 150, pid=4180, healthy=True, state="running",
        message="committed 396 changes in 21 ms", position="0/3A41C7F8", commits=1_947,
        lag_bytes=18_432, wal_kept_bytes=34_603_008, wal_cap_bytes=4 << 30, changes=1_603_461,
        datasets=datasets, commit_ms=observed.Percentiles(17.0, 29.0, 41.0),
        hops={"source_to_lake": observed.Percentiles(231 + wave, 402 + wave, 460)},
    )  # fmt: skip


def refresh(now: int, trouble: bool = False) -> observed.RefreshStatus:
    wrong = (
        {"user_id": "4711", "email": "<script>alert(1)</script>"},
        {"user_id": "4712", "email": ""},
    )
    checks = (
        observed.CheckState("balances_sum_to_zero", True, 0),
        observed.CheckState(
            "emails_are_unique", not trouble, 2 * trouble, wrong if trouble else ()
        ),
        observed.CheckState("accounts_have_owners", True, 0),
    )
    marts = tuple(
        observed.MartState(n, r, now - 1_400, 12)
        for n, r in (("daily_balances", 92), ("top_accounts", 20), ("signups_per_day", 60))
    )
    wave = 150 * math.sin(now / 9000)
    return observed.RefreshStatus(
        at_ms=now - 400, pid=4181, healthy=not trouble, state="degraded" if trouble else "running",
        message="published 3 marts in 0.61 s", position="0/3A41B0D0", refreshes=611,
        checks=checks, marts=marts, last_seconds=0.61,
        hops={"source_to_marts": observed.Percentiles(1_420 + wave, 2_310 + wave, 2_700)},
    )  # fmt: skip


def history() -> views.History:
    now = int(time.time() * 1000)
    commits = tuple(
        views.CommitLine(1_947 - i, "bank", f"0/{0x3A41C7F8 - i * 0x5A10:X}", now - 420 * i,
                         now - 420 * i - 180 - 13 * (i % 5), 396 - 17 * (i % 4), 4)
        for i in range(9)
    )  # fmt: skip
    return views.History(commits, samples())


def samples() -> tuple[views.MartSample, ...]:
    time_column = views.Column("day", "time")
    days = [f"2026-{9 + i // 30:02d}-{i % 30 + 1:02d}" for i in range(60)]
    balances = tuple(
        (d, str(92_000 + 1_450 * i + 5_200 * math.sin(i / 4))) for i, d in enumerate(days)
    )
    signups = tuple((d, str(round(340 + 120 * math.sin(i / 3.2) + i))) for i, d in enumerate(days))
    owners = (
        "Amara Okafor",
        "Jonas Lindqvist",
        "Mei Tanaka",
        "Lucía Fernández",
        "Ola Nowak",
        "Tariq Aziz",
    )
    top = tuple((name, str(184_200 - 21_300 * i)) for i, name in enumerate(owners))
    return (
        views.MartSample(
            "daily_balances",
            views.Answer((time_column, views.Column("total_balance", "number")), balances),
        ),
        views.MartSample(
            "top_accounts",
            views.Answer((views.Column("owner", "text"), views.Column("balance", "number")), top),
        ),
        views.MartSample(
            "signups_per_day",
            views.Answer((time_column, views.Column("signups", "number")), signups),
        ),
    )
