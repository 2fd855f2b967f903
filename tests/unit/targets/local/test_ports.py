"""Ports are chosen once, remembered, and changed only when a stranger has one."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.kit import ports as loopback
from tidewright.targets.local import ports

WANTED = (ports.Wanted("db", "sql"), ports.Wanted("console", "http"))


def test_the_same_platform_gets_the_same_ports_and_two_get_different_ones() -> None:
    one = ports.choose(WANTED, {}, "a/laptop", lambda _: True)
    again = ports.choose(WANTED, {}, "a/laptop", lambda _: True)
    other = ports.choose(WANTED, {}, "b/laptop", lambda _: True)
    assert one == again
    assert not set(one.numbers.values()) & set(other.numbers.values())
    assert all(ports.FIRST <= n <= ports.LAST for n in one.numbers.values())


def test_a_remembered_port_stays_while_it_is_free() -> None:
    found = ports.choose(WANTED, {"db.sql": 5000, "console.http": 5001}, "a", lambda _: True)
    assert found == ports.Chosen({"db.sql": 5000, "console.http": 5001}, ())


def test_a_port_taken_by_a_stranger_is_changed_with_a_note() -> None:
    found = ports.choose(WANTED, {"db.sql": 5000, "console.http": 5001}, "a", lambda p: p != 5000)
    new = found.numbers["db.sql"]
    assert new not in (5000, 5001)
    assert found.notes == (f"Port 5000 of db is taken by another program: it listens on {new} now",)


def test_a_port_that_we_listen_on_ourselves_is_not_taken() -> None:
    wanted = [ports.Wanted("db", "sql", busy=True)]
    assert ports.choose(wanted, {"db.sql": 5000}, "a", lambda p: p != 5000).numbers == {
        "db.sql": 5000
    }


def test_ports_that_collide_in_their_search_move_on() -> None:
    first = ports.choose(WANTED[:1], {}, "a", lambda _: True).numbers["db.sql"]
    second = ports.choose(WANTED[:1], {}, "a", lambda p: p != first).numbers["db.sql"]
    assert second == first + 1


def test_no_free_port_is_refused() -> None:
    with pytest.raises(errors.Refused) as found:
        ports.choose(WANTED, {}, "a", lambda _: False)
    assert found.value.code == "local.no_port"


def test_what_is_written_is_read_and_a_damaged_file_is_nothing(tmp_path: Path) -> None:
    ports.write(tmp_path, {"db.sql": 5000})
    assert ports.read(tmp_path) == {"db.sql": 5000}
    (tmp_path / ports.FILE).write_text("[", encoding="utf-8")
    assert ports.read(tmp_path) == {}


def test_a_listening_port_is_not_free() -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        assert not loopback.is_free(port)
    assert loopback.is_free(port)
