"""A receiver under thousands of slow connections and a flood of requests: who is in the right and
sends gets an answer, nothing is lost or taken twice, and everybody else is told why.
"""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.unit.pipelines.receive.test_receiver import HEADERS, Receiver
from tidewright.clients import scratch
from tidewright.pipelines.receive import crowd

pytestmark = [pytest.mark.heavy, pytest.mark.e2e]
FLOODS = (
    b"GARBAGE\r\n\r\n",
    b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-the-test\r\n"
    b"Content-Type: application/json\r\nContent-Length: 900000\r\n\r\n[" + b" " * 60_000,
)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with scratch.TempPostgres() as server:
        found = Receiver(tmp_path, server)
        found.start()
        yield found
        if found.process is not None and found.process.poll() is None:
            assert found.end() == 0
        found.conn.close()


@pytest.fixture
def many() -> Iterator[int]:
    """More connections than are admitted, as far as this machine allows us to open them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    yield min(crowd.MOST + 900, most - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Sender:
    """One honest sender, one batch after the other, each until it is acknowledged."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.sent: list[int] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        number = 0
        while not self._ending.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.receiver.send([{"id": number}], f"good {number}")[0] == 200:
                    self.sent.append(number)
                    number += 1
            time.sleep(0.01)

    def wait(self, more: int) -> None:
        """Until so many further batches are acknowledged."""
        wanted, deadline = len(self.sent) + more, time.monotonic() + 30
        while len(self.sent) < wanted:
            assert time.monotonic() < deadline, "an honest sender is kept out"
            time.sleep(0.05)


def test_slow_connections_and_a_flood_keep_no_honest_sender_out(
    receiver: Receiver, many: int
) -> None:
    process = psutil.Process(receiver.process.pid)  # type: ignore[union-attr]
    before = process.memory_info().rss
    with contextlib.ExitStack() as stack, Sender(receiver) as sender:
        sender.wait(5)
        slow = []
        for number in range(many):
            one = stack.enter_context(
                socket.create_connection(("127.0.0.1", receiver.port), timeout=20)
            )
            one.sendall(b"POST /events HTTP/1.1\r\nHost: x\r\n" if number % 2 else b"")
            slow.append(one)
        sender.wait(5)
        flooding = [threading.Thread(target=flood, args=(receiver.port, n)) for n in range(8)]
        for thread in flooding:
            thread.start()
        sender.wait(5)
        for thread in flooding:
            thread.join(60)
        # All of them were told to go: the oldest for want of room, the others of patience.
        told = collections.Counter(answered(one) for one in slow)
        assert set(told) <= {408, 503}, told
        assert 503 in told or many < crowd.MOST
        sender.wait(5)
    assert sorted(receiver.ids()) == sender.sent
    assert process.memory_info().rss - before < 250 * 1024 * 1024
    status = json.loads((receiver.folder / "mover-receive.json").read_text())
    assert status["counters"]["connections_cut"] >= many


def flood(port: int, seed: int) -> None:
    """Requests without sense or right, as fast as they are answered."""
    for number in range(60):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as one:
            one.sendall(FLOODS[(seed + number) % len(FLOODS)])
            if (seed + number) % len(FLOODS) != 3:  # that one waits for its own body
                one.recv(200)


def answered(one: socket.socket) -> int:
    one.settimeout(30)
    return int(one.recv(200)[9:12])


def test_who_may_not_send_does_not_stay(receiver: Receiver) -> None:
    for path, headers, status in (
        ("/events", {}, 401),
        ("/elsewhere", HEADERS, 404),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
        connection.request("POST", path, b"[]", headers)
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (status, "close")
        connection.close()


def test_slow_bodies_are_told_so_and_others_wait_their_turn(receiver: Receiver) -> None:
    bodies = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(80)]
    for connection in bodies:
        connection.sendall(
            b"POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-the-test\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n["
        )
    deadline = time.monotonic() + 20
    while receiver.send([{"id": 1}])[0] != 200:  # 429 until the slow bodies' time is over
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert {answered(one) for one in bodies} == {408, 429}
    for connection in bodies:
        connection.close()
