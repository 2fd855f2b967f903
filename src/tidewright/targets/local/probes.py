"""Is a service healthy? One coroutine per kind of probe, each with a deadline of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from tidewright.kit import ports
from tidewright.targets.local import description, spawn

TIMEOUT = 5.0
ANSWER = 1 << 16  # bytes of an answer that are looked at


@dataclass(frozen=True, slots=True)
class Verdict:
    """``alive``: the process answered by itself, so that a restart would change nothing."""

    ok: bool
    message: str = ""
    alive: bool = False


async def ask(unit: description.Unit, spawned_ms: int) -> Verdict:
    """One answer of the unit's probe. Never raises for a service that does not answer."""
    try:
        return await asyncio.wait_for(_ask(unit, spawned_ms), TIMEOUT)
    except TimeoutError:
        return Verdict(False, f"no answer within {TIMEOUT:.0f} s")
    except OSError as reason:
        return Verdict(False, f"no answer yet ({reason.strerror or reason})")


async def _ask(unit: description.Unit, spawned_ms: int) -> Verdict:
    match unit.probe:
        case None:
            return Verdict(True)
        case description.TcpProbe(port):
            _, writer = await asyncio.open_connection(ports.LOOPBACK, port)
            writer.close()
            return Verdict(True)
        case description.HttpProbe(port, path, says):
            return await _http(port, path, says)
        case description.CommandProbe(argv):
            return await _command(argv, unit)
        case description.HeartbeatProbe(file, max_age):
            return _heartbeat(Path(file), max_age, spawned_ms)
        case other:
            assert_never(other)


async def _http(port: int, path: str, says: str) -> Verdict:
    reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
    try:
        host = f"{ports.LOOPBACK}:{port}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        words = (await reader.readline()).split()
        told = b""
        while says and len(told) < ANSWER and (more := await reader.read(ANSWER)):
            told += more
    finally:
        writer.close()
    status = words[1].decode(errors="replace") if len(words) > 1 else "nothing"
    if status != "200":
        return Verdict(False, f"GET {path} answered {status}")
    # A server that answers 200 to anything says nothing about its work.
    if says.encode() in told:
        return Verdict(True)
    return Verdict(False, f"GET {path} does not say {says}", alive=True)


async def _command(argv: tuple[str, ...], unit: description.Unit) -> Verdict:
    process = await spawn.start(argv, unit, output=asyncio.subprocess.PIPE)
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    lines = output.decode(errors="replace").strip().splitlines()
    return Verdict(process.returncode == 0, lines[-1] if lines and process.returncode else "")


def _heartbeat(file: Path, max_age: float, spawned_ms: int) -> Verdict:
    """A beat from before this process was started says nothing about it."""
    try:
        beat = json.loads(file.read_text(encoding="utf-8"))
        at_ms, healthy = int(beat["at_ms"]), bool(beat["healthy"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Verdict(False, "has not reported yet")
    if at_ms < spawned_ms:
        return Verdict(False, "has not reported yet")
    age = time.time() - at_ms / 1000
    if age > max_age:
        return Verdict(False, f"has not reported for {age:.0f} s")
    return Verdict(healthy, str(beat.get("message", "")), alive=True)
