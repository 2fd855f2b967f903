"""The receiver as a process against a real log: what it answers, and what is in the topic then."""

import concurrent.futures
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.clients import scratch, topics
from tidewright.model import codec, flow, jobs, values
from tidewright.pipelines.receive import __main__ as receive_main
from tidewright.pipelines.receive import judge, writer
from tidewright.vault import files as vault

SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}},
}
HEADERS = {"Authorization": "Bearer token-of-the-test", "Content-Type": "application/json"}


class Receiver:
    def __init__(self, folder: Path, server: scratch.TempPostgres) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        vault.write(folder / "secrets", "pw", server.password)
        vault.write(folder / "secrets", "events", "token-of-the-test")
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        self.conn = server.create("topics")
        topics.prepare(self.conn, ("clicks", "clicks_rejected"))
        job = jobs.ReceiveJob(
            name="receive",
            topics=flow.Connection(
                "127.0.0.1", server.port, "topics", "postgres", values.Secret("pw")
            ),
            path="/events",
            schema=str(folder / "schema.json"),
            topic="clicks",
            rejects="clicks_rejected",
            port=self.port,
            token=values.Secret("events"),
            secrets=str(folder / "secrets"),
            status=str(folder / "mover-receive.json"),
        )
        (folder / "job.json").write_text(codec.dumps(job))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fault: str = "") -> None:
        argv = [sys.executable, "-m", "tidewright.pipelines.receive"]
        self.process = subprocess.Popen(
            [*argv, "--job", str(self.folder / "job.json")],
            env=os.environ | {"TIDEWRIGHT_FAULT": fault},
        )
        self.wait_open()

    def wait_open(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if self.send([])[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("the receiver does not answer")

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def send(self, events, name: str | None = None, **headers: str) -> tuple[int, dict]:
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        named = {"Idempotency-Key": name} if name else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", "/events", body, HEADERS | named | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def ids(self) -> list[int]:
        rows = self.conn.execute("select value from topics.clicks order by topic_offset")
        return [json.loads(row[0])["id"] for row in rows]

    def rejects(self) -> list[dict]:
        rows = self.conn.execute("select value from topics.clicks_rejected order by topic_offset")
        return [json.loads(row[0]) for row in rows]

    def noted(self) -> dict[str, int]:
        rows = self.conn.execute("select topic, events from ledger.producers")
        return {topic: events for topic, events in rows}


@pytest.fixture
def receiver(tmp_path):
    with scratch.TempPostgres() as server:
        found = Receiver(tmp_path, server)
        found.start()
        yield found
        if found.process is not None and found.process.poll() is None:
            assert found.end() == 0
        found.conn.close()


def test_what_it_answers_is_what_is_there(receiver):
    assert receiver.send([{"id": 1}, {"id": "x"}, {"id": 2}], "first")[1] == {
        "batch": "first",
        "accepted": 2,
        "rejected": 1,
        "repeated": False,
        "reasons": [{"number": 1, "reason": "data.id must be integer"}],
    }
    assert receiver.ids() == [1, 2]
    (rejected,) = receiver.rejects()
    assert (rejected["batch"], rejected["event"]) == ("first", {"id": "x"})
    assert receiver.noted() == {"clicks": 2, "clicks_rejected": 1}

    # The same batch again is recognised; its name with other events is refused.
    again = receiver.send([{"id": 1}, {"id": "x"}, {"id": 2}], "first")
    assert (again[0], again[1]["repeated"], again[1]["accepted"]) == (200, True, 2)
    assert receiver.send([{"id": 3}], "first")[0] == 409
    assert receiver.ids() == [1, 2]

    lines = receiver.send(b'{"id":4}\nnope\n', None, **{"Content-Type": "application/x-ndjson"})
    assert (lines[0], lines[1]["accepted"], lines[1]["rejected"]) == (200, 1, 1)

    assert receiver.send([{"id": 5}], Authorization="Bearer wrong")[0] == 401
    assert receiver.send([{"id": 5}], **{"Content-Type": "text/plain"})[0] == 415
    assert receiver.send([{"id": 5}], **{"Content-Encoding": "gzip"})[0] == 415
    assert receiver.send(b"[1,")[0] == 400
    assert receiver.send([{"id": 5}] * 501)[0] == 413
    assert receiver.send(b" " * (1 << 20) + b"[]")[0] == 413
    assert receiver.send([{"id": 5}], "n" * 201)[0] == 400
    assert receiver.ids() == [1, 2, 4]

    status = json.loads((receiver.folder / "mover-receive.json").read_text())
    assert status["stage"] == "receive"


def test_many_senders_at_once_lose_nothing(receiver):
    def send(n: int) -> int:
        return receiver.send([{"id": n * 10 + i} for i in range(10)], f"b{n}")[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(60))) == {200}
        assert set(pool.map(send, range(60))) == {200}  # each a second time
    assert sorted(receiver.ids()) == list(range(600))


@pytest.mark.parametrize("point", ["received", "receive_committed"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_loses_nothing_that_was_acknowledged_and_repeats_nothing(receiver, point, seed):
    dice = random.Random(f"{point} {seed}")
    receiver.end()
    receiver.start(f"{point}:{dice.randrange(2, 9)}")  # its first batch was the empty one
    sent = 0
    while True:
        try:
            events = [{"id": sent * 100 + i} for i in range(dice.randrange(1, 40))]
            status, _ = receiver.send(events, f"batch {sent}")
        except OSError:
            break
        assert status == 200
        sent += 1
        assert sent < 20, "the fault never came"
    assert receiver.process.wait(10) == -signal.SIGKILL
    there = len(receiver.ids())
    receiver.start()
    status, answer = receiver.send(events, f"batch {sent}")  # as a sender does without an answer
    assert (status, answer["repeated"]) == (200, point == "receive_committed")
    assert len(receiver.ids()) == there + (0 if answer["repeated"] else len(events))
    found = receiver.ids()
    assert len(found) == len(set(found))
    assert receiver.noted()["clicks"] == len(found)


def test_a_full_log_is_said_with_429_and_nothing_is_taken(receiver, tmp_path):
    receiver.conn.execute("revoke all on schema topics from public")
    receiver.conn.execute("alter table topics.clicks rename to elsewhere")
    deadline = time.monotonic() + 20
    status = 0
    while status not in (429, 503) and time.monotonic() < deadline:
        status, _ = receiver.send([{"id": 1}], "waits")
    assert status in (429, 503)
    receiver.conn.execute("alter table topics.elsewhere rename to clicks")
    while status != 200 and time.monotonic() < deadline:
        status, _ = receiver.send([{"id": 1}], "waits")
        time.sleep(0.1)
    assert status == 200
    assert receiver.ids() == [1]


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(errors.Refused) as caught:
        receive_main._listen(taken.getsockname()[1])
    assert caught.value.code == "topic.port_in_use"


def test_a_name_used_for_other_events_is_a_conflict_and_too_much_is_busy():
    conn = Known((1, 0, "another digest"))
    store = writer.Writer(lambda: conn, writer.Place("clicks", "clicks_rejected"))
    batch = writer.Batch("b", judge.Verdict(("{}",), ()), 2, "a digest")
    found = store._note(conn, batch)
    assert isinstance(found, writer.Conflict)
    assert found.code == "topic.batch_reused"
    with pytest.raises(writer.Busy) as caught:
        store.put(batch)  # it is not connected yet
    assert caught.value.code == "topic.busy"


class Known:
    """A connection to a log where every batch is there already."""

    rowcount = 0

    def __init__(self, row: tuple[int, int, str]) -> None:
        self.row = row

    def execute(self, *words: object) -> "Known":
        return self

    def fetchone(self) -> tuple[int, int, str]:
        return self.row
