from __future__ import annotations

import dataclasses
import os
import signal
import socket
import stat
import threading
from pathlib import Path

import pytest
from tests.unit.operations.conftest import (
    STAY,
    Started,
    Talking,
    capturing,
    platform,
    service,
)

from tidewright import errors
from tidewright.model import flow, values
from tidewright.model import platform as nouns
from tidewright.operations import state, up
from tidewright.targets.local import driver, layout, lock, ports
from tidewright.vault import files as vault


def test_it_starts_everything_and_says_what_it_did(project: Path) -> None:
    talking = Talking()
    found = up.up(platform(service("a"), service("b", needs=("a",))), project, talking.talk, 20)
    assert [s.sentence for s in found.steps] == ["Create a (test).", "Create b (test)."]
    assert "Create a (test)." in talking.said
    assert all(s.healthy for s in found.status.services)
    assert not talking.asked


def test_a_second_up_joins_and_changes_nothing(project: Path) -> None:
    wanted = platform(service("a"))
    first = up.up(wanted, project, Talking().talk, 20)
    talking = Talking()
    second = up.up(wanted, project, talking.talk, 20)
    assert "Nothing to change." in talking.said
    assert second.status.pid == first.status.pid
    assert second.status.services[0].pid == first.status.services[0].pid


def test_it_restarts_what_changed_and_tells_a_live_service_its_job(project: Path) -> None:
    before = up.up(platform(service("a"), capturing("bank.users")), project, Talking().talk, 20)
    changed = platform(service("a", STAY + "  "), capturing("bank.users", "bank.accounts"))
    after = up.up(changed, project, Talking().talk, 20)
    assert [s.sentence for s in after.steps] == [
        "Copy bank.accounts and follow it, without stopping the others.",
        "Restart a: its command changed.",
        "Tell capture its new job, while it runs.",
    ]
    was, now = ({s.name: s.pid for s in o.status.services} for o in (before, after))
    assert was["capture"] == now["capture"]
    assert was["a"] != now["a"]


def test_losing_a_table_is_asked_and_a_no_changes_nothing(project: Path) -> None:
    up.up(platform(capturing("bank.users", "bank.accounts")), project, Talking().talk, 20)
    fewer, talking = platform(capturing("bank.users")), Talking(answer=False)
    with pytest.raises(errors.Refused) as found:
        up.up(fewer, project, talking.talk, 20)
    assert found.value.code == "local.would_lose"
    assert talking.asked == ["This gives up bank.accounts. Go on?"]
    place = layout.locate(project, "laptop")
    assert "bank.accounts" in (place.root / "config" / "capture" / "job.json").read_text()
    assert up.up(fewer, project, Talking(answer=True).talk, 20).steps[0].loses_data


def test_our_secrets_are_made_up_for_their_owner_alone(project: Path) -> None:
    up.up(platform(service("a"), secrets=("admin",)), project, Talking().talk, 20)
    file = vault.path(layout.locate(project, "laptop").secrets, "admin")
    value = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    up.up(platform(service("a"), secrets=("admin",)), project, Talking().talk, 20)
    assert file.read_text() == value


def _with_url() -> nouns.Platform:
    one = capturing("bank.users")
    source = one.process.job.source
    theirs = dataclasses.replace(
        source, connection=flow.Connection("", 0, "", "", None, url=values.Secret("bank_url"))
    )
    job = dataclasses.replace(one.process.job, source=theirs)
    return platform(dataclasses.replace(one, process=dataclasses.replace(one.process, job=job)))


def test_a_users_secret_that_is_missing_is_named_before_anything_starts(project: Path) -> None:
    with pytest.raises(errors.Refused) as found:
        up.up(_with_url(), project, Talking().talk, 20)
    assert found.value.code == "vault.missing"
    assert "bank_url" in found.value.what
    assert not driver.running(layout.locate(project, "laptop"))


def test_a_users_secret_may_come_by_environment_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWRIGHT_SECRET_BANK_URL", "postgres://u:p@h/d")
    up.up(_with_url(), project, Talking().talk, 20)
    place = layout.locate(project, "laptop")
    assert vault.read(place.secrets, "bank_url") == "postgres://u:p@h/d"
    assert not any("u:p@h" in p.read_text() for p in (place.root / "config").rglob("*.json"))


def test_a_users_secret_that_changed_restarts_who_uses_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWRIGHT_SECRET_BANK_URL", "postgres://u:before@h/d")
    first = up.up(_with_url(), project, Talking().talk, 20)
    assert up.up(_with_url(), project, Talking().talk, 20).steps == ()
    monkeypatch.setenv("TIDEWRIGHT_SECRET_BANK_URL", "postgres://u:after@h/d")
    second = up.up(_with_url(), project, Talking().talk, 20)
    assert [s.sentence for s in second.steps] == ["Restart capture: a secret that it uses changed."]
    assert second.status.services[0].pid != first.status.services[0].pid
    place = layout.locate(project, "laptop")
    written = [p for p in place.root.rglob("*") if p.is_file() and p.parent != place.secrets]
    assert not any(b"after" in p.read_bytes() for p in written)


def test_it_gives_up_in_time_and_repeats_the_reason(project: Path) -> None:
    never = nouns.Command(("false",))
    bad = service("a", "import sys; sys.exit('ERROR disk full')", probe=never)
    with pytest.raises(errors.TimedOut) as found:
        up.up(platform(bad), project, Talking().talk, 3)
    assert found.value.code == "local.not_healthy"
    assert "disk full" in found.value.what
    assert "tidewright logs a" in found.value.hint


def test_a_remembered_port_taken_while_stopped_is_changed_with_a_note(project: Path) -> None:
    wanted = platform(service("a", ports=("sql",)))
    place = layout.create(project, "laptop")
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        taken = stranger.getsockname()[1]
        ports.write(place.root, {"a.sql": taken})
        talking = Talking()
        up.up(wanted, project, talking.talk, 20)
    new = ports.read(place.root)["a.sql"]
    assert f"Port {taken} of a is taken by another program: it listens on {new} now" in talking.said
    up.up(wanted, project, Talking().talk, 20)
    assert ports.read(place.root)["a.sql"] == new


def test_two_commands_at_once_are_refused(project: Path) -> None:
    place = layout.create(project, "laptop")
    with lock.held(place.root, lock.COMMAND), pytest.raises(errors.Refused) as found:
        up.up(platform(service("a")), project, Talking().talk, 20)
    assert found.value.code == "local.busy"


def test_what_a_crash_left_is_ended_first(project: Path, started: Started) -> None:
    found = started(service("a"))
    before = driver.status(found.place)
    os.kill(before.pid, signal.SIGKILL)
    after = up.up(found.applied, project, Talking().talk, 20)
    assert after.status.pid != before.pid
    assert after.status.services[0].pid != before.services[0].pid


def test_attached_it_stops_what_it_started(project: Path) -> None:
    """Ctrl-C is a SIGINT to this process, as a terminal sends it."""
    talking = Talking()

    def interrupt_when_healthy(line: str) -> None:
        talking.said.append(line)
        if line.startswith("Everything is healthy"):
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

    up.up(platform(service("a")), project, up.Talk(interrupt_when_healthy, bool), 20, attach=True)
    assert "Everything is healthy. Ctrl-C stops it." in talking.said
    assert not driver.running(layout.locate(project, "laptop"))


def _interrupted_at(beginning: str) -> up.Talk:
    """Once: the line of the service's own end begins alike."""
    said: list[str] = []

    def say(line: str) -> None:
        if line.startswith(beginning) and not said:
            said.append(line)
            raise KeyboardInterrupt

    return up.Talk(say, bool)


def test_ctrl_c_before_all_is_healthy_leaves_nothing_running(project: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        up.up(platform(service("a")), project, _interrupted_at("  a "), 20)
    place = layout.locate(project, "laptop")
    assert place is not None
    assert not driver.running(place)
    assert state.read_applied(place) is not None


def test_ctrl_c_leaves_running_what_ran_before(project: Path) -> None:
    up.up(platform(service("a")), project, Talking().talk, 20)
    with pytest.raises(KeyboardInterrupt):
        up.up(platform(service("a"), service("b")), project, _interrupted_at("  b "), 20)
    assert driver.running(layout.create(project, "laptop"))


def test_a_folder_that_cannot_be_written_names_a_way_out(project: Path) -> None:
    """Root may write anywhere, so a file in the way stands for a folder that refuses."""
    (project / ".tidewright").write_text("", encoding="utf-8")
    with pytest.raises(errors.Refused) as found:
        up.up(platform(service("a")), project, Talking().talk, 20)
    assert found.value.code == "local.read_only"
