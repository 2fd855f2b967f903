from __future__ import annotations

import asyncio
import json
import time

import pytest
from tests.unit.targets.local.conftest import Home

from tidewright.targets.local import description, probes, spawn


def _ask(home: Home, probe: description.Probe | None, spawned_ms: int = 0) -> probes.Verdict:
    unit = home.unit("app", probe=probe)
    spawn.make_folder(unit)
    return asyncio.run(probes.ask(unit, spawned_ms))


async def _served(answer: bytes, home: Home, path: str, says: str = "") -> probes.Verdict:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /healthz HTTP/1.1")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        probe = description.HttpProbe(port, path, says)
        return await probes.ask(home.unit("app", probe=probe), 0)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", probes.Verdict(True)),
        (b"HTTP/1.1 503 Busy\r\n\r\n", probes.Verdict(False, "GET /healthz answered 503")),
        (b"", probes.Verdict(False, "GET /healthz answered nothing")),
    ],
)
def test_http_is_healthy_at_200(home: Home, answer: bytes, verdict: probes.Verdict) -> None:
    assert asyncio.run(_served(answer, home, "/healthz")) == verdict


@pytest.mark.parametrize(
    ("body", "ok"), [(b'{"starting":false}', True), (b'{"starting":true}', False), (b"", False)]
)
def test_http_may_have_to_say_something(home: Home, body: bytes, ok: bool) -> None:
    """A server that answers anything with 200 is not healthy by that; it lives, though."""
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + body
    found = asyncio.run(_served(answer, home, "/healthz", '"starting":false'))
    assert found.ok == ok
    assert ok or (found.alive and "does not say" in found.message)


def test_nobody_listening_is_no_exception(home: Home) -> None:
    assert not _ask(home, description.TcpProbe(1)).ok
    assert not _ask(home, description.HttpProbe(1, "/")).ok


def test_a_command_is_healthy_at_exit_0(home: Home) -> None:
    assert _ask(home, description.CommandProbe(("true",))).ok
    found = _ask(home, description.CommandProbe(("sh", "-c", "echo why; exit 2")))
    assert found == probes.Verdict(False, "why")


def test_a_command_that_hangs_is_ended(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "TIMEOUT", 0.1)
    assert "no answer within" in _ask(home, description.CommandProbe(("sleep", "60"))).message


def _beat(home: Home, **more: object) -> description.HeartbeatProbe:
    beat = {"at_ms": int(time.time() * 1000), "healthy": True, "message": "well", **more}
    home.note("beat").write_text(json.dumps(beat), encoding="utf-8")
    return description.HeartbeatProbe(str(home.note("beat")), 10.0)


def test_a_fresh_beat_says_how_it_is(home: Home) -> None:
    assert _ask(home, _beat(home)) == probes.Verdict(True, "well", alive=True)
    ill = _ask(home, _beat(home, healthy=False, message="slot gone"))
    assert ill == probes.Verdict(False, "slot gone", alive=True)


def test_an_old_beat_is_a_hanging_service(home: Home) -> None:
    found = _ask(home, _beat(home, at_ms=int((time.time() - 60) * 1000)))
    assert not found.ok
    assert not found.alive
    assert "has not reported for 60 s" in found.message


def test_a_beat_from_before_the_start_and_a_torn_one_say_nothing(home: Home) -> None:
    late = int(time.time() * 1000) + 60_000
    assert _ask(home, _beat(home), late).message == "has not reported yet"
    home.note("beat").write_text("{", encoding="utf-8")
    assert _ask(home, description.HeartbeatProbe(str(home.note("beat")), 1)).message == (
        "has not reported yet"
    )
