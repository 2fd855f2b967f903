"""The key ``backup``: what it takes, and a goal that its schedule cannot meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import jobs, values
from tidewright.spec import load

FILE = """tidewright: 0
platform: bank
sources: {bank: {postgres: {url: {secret: bank_url}}}}
flow:
  - capture: {from: bank, tables: [bank.users]}
"""


def spec(tmp_path: Path, tail: str) -> load.Spec:
    file = tmp_path / "platform.yaml"
    file.write_text(FILE + tail)
    return load.load(file)


def findings(tmp_path: Path, tail: str) -> dict[str, errors.Finding]:
    with pytest.raises(errors.SpecError) as caught:
        spec(tmp_path, tail)
    return {f.code: f for f in caught.value.findings}


def test_becomes_a_service_that_reads_what_the_others_are(tmp_path: Path) -> None:
    tail = (
        "backup: {to: ../b, cron: '0 3 * * *', zone: Europe/Berlin, keep: {last: 3}, drill: 7d}\n"
    )
    platform = build.build(spec(tmp_path, tail))
    service = next(s for s in platform.services if s.name == "backup")
    job = service.process.job
    assert isinstance(job, jobs.BackupJob)
    assert [s.name for s in job.servers] == ["store"]
    assert [c.name for c in job.captures] == ["bank"] and job.lake is not None
    assert job.timing == jobs.Timing(None, "0 3 * * *", "Europe/Berlin", 86_400.0, 7 * 86_400.0)
    assert job.keep == jobs.Retention(3, 7, 4, 0)


def test_a_bucket_has_its_server_and_a_secret_that_is_asked_for(tmp_path: Path) -> None:
    keys = "endpoint: 'http://127.0.0.1:9000', credentials: {secret: backup_bucket}"
    tail = f"backup: {{to: 's3://kept/bank/here/', {keys}, every: 5m}}\n"
    platform = build.build(spec(tmp_path, tail))
    job = next(s for s in platform.services if s.name == "backup").process.job
    assert isinstance(job, jobs.BackupJob)
    secret = values.Secret("backup_bucket")
    endpoint = "http://127.0.0.1:9000"
    assert job.bucket == jobs.Bucket("kept", "bank/here", endpoint, "us-east-1", secret)
    assert "backup_bucket" in platform.asked and "backup_bucket" not in platform.secrets


def test_servers_keep_their_log_only_for_a_schedule(tmp_path: Path) -> None:
    for tail, keeps in (
        ("", False),
        ("backup: {to: b}\n", False),
        ("backup: {to: b, every: 5m}\n", True),
    ):
        grants = [
            s.process.job
            for s in build.build(spec(tmp_path, tail)).services
            if isinstance(s.process.job, jobs.GrantsJob)
        ]
        assert grants and all(g.keeps_log is keeps for g in grants)


@pytest.mark.parametrize(
    ("tail", "code", "word"),
    [
        ("backup: {every: 5m}\n", "file.missing_key", "to"),
        ("backup: {to: b, every: 5m, cron: '0 3 * * *'}\n", "file.wrong_value", "only one"),
        ("backup: {to: b, every: 5s}\n", "file.wrong_value", "5 s"),
        ("backup: {to: b, cron: often}\n", "file.wrong_value", "often"),
        ("backup: {to: b, every: 5m, zone: Mars}\n", "file.wrong_value", "Mars"),
        ("backup: {to: 'ftp://x'}\n", "file.wrong_value", "ftp"),
        ("backup: {to: 's3://B/x'}\n", "file.wrong_value", "no bucket"),
        ("backup: {to: b, endpoint: 'http://x:9'}\n", "file.wrong_value", "belongs to a bucket"),
        ("backup: {to: 's3://abc', endpoint: 'x:9'}\n", "file.wrong_value", "no address"),
        ("backup: {to: 's3://abc', credentials: 'A:B'}\n", "file.secret_in_clear", "clear"),
        ("backup: {to: b, everyy: 5m}\n", "file.unknown_key", "everyy"),
    ],
)
def test_what_is_wrong(tmp_path: Path, tail: str, code: str, word: str) -> None:
    found = findings(tmp_path, tail)
    assert code in found and word in found[code].what


@pytest.mark.parametrize(
    ("tail", "what", "hint"),
    [
        ("goals: {rpo: 15m}\n", "nothing makes recovery points", "every: 14m"),
        ("goals: {rpo: 15m}\nbackup: {to: b}\n", "only by hand", "every: 14m"),
        ("goals: {rpo: 15m}\nbackup: {to: b, every: 15m}\n", "at worst 16m", "every: 14m"),
        ("goals: {rpo: 24h}\nbackup: {to: b, cron: '0 3 * * *'}\n", "1d between", "every: 1439m"),
    ],
)
def test_a_goal_that_cannot_be_met_is_refused(
    tmp_path: Path, tail: str, what: str, hint: str
) -> None:
    found = findings(tmp_path, tail)["backup.rpo"]
    assert what in found.what and hint in found.hint and found.where.line is not None


def test_a_goal_that_can_be_met(tmp_path: Path) -> None:
    assert spec(tmp_path, "goals: {rpo: 15m}\nbackup: {to: b, every: 14m}\n").document.backup
