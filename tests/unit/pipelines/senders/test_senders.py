"""The sender's book and its way to the endpoint, against a small server that misbehaves."""

import http.server
import json
import threading
import time

import pytest

from tidewright import errors
from tidewright.pipelines.senders import door, ledger


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers with the statuses it was given, then 200; remembers what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.taken: list[tuple[str, list]] = []
        self.held = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.held:
            pass
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 0:  # the answer is lost after the commit
            self.server.taken.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.connection.close()
            return
        found = {"error": "no"}
        if status == 200:
            events = json.loads(body)
            self.server.taken.append((self.headers["Idempotency-Key"], events))
            found = {"accepted": len(events) - 1, "rejected": 1}
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def endpoint():
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def book(tmp_path):
    found = ledger.Ledger(tmp_path)
    yield found
    found.close()


def opened(endpoint, book, said: list[str]) -> door.Door:
    url = f"http://127.0.0.1:{endpoint.server_address[1]}/events"
    return door.Door(url, "token", book, said.append)


def test_a_batch_is_sent_until_it_is_acknowledged_and_counted_once(endpoint, book, monkeypatch):
    monkeypatch.setattr(door, "TIMEOUT", 1.0)
    endpoint.answers = [429, 0, 503, 200]
    said: list[str] = []
    mine = opened(endpoint, book, said)
    assert mine.send([{"n": 1}, b"{", {"n": 2}][:1] * 3) == 3
    mine.settle()
    mine.close()
    assert len(said) == 3
    assert len({name for name, _ in endpoint.taken}) == 1
    assert book.totals() == ledger.Totals(1, 2, 1)
    assert book.waiting() == []


def test_many_events_go_in_batches(endpoint, book):
    mine = opened(endpoint, book, [])
    mine.send([{"n": n} for n in range(1100)])
    mine.settle()
    mine.close()
    assert sorted(len(events) for _, events in endpoint.taken) == [100, 500, 500]


def test_the_next_batches_are_made_while_others_are_on_their_way(endpoint, book):
    mine = opened(endpoint, book, [])
    with endpoint.held:
        mine.send([{"n": 1}])
        mine.send([{"n": 2}])
        assert len(book.waiting()) == 2
    mine.settle()
    mine.close()
    assert book.waiting() == []
    assert len(endpoint.taken) == 2


def test_after_a_rest_all_that_was_told_to_wait_is_sent_at_once(endpoint, book):
    endpoint.answers = [429] * 3
    said: list[str] = []
    mine = opened(endpoint, book, said)
    with endpoint.held:
        for n in range(3):
            mine.send([{"n": n}])
    mine._rested = time.monotonic() + 60  # all three were told to wait before the rest ended
    mine.settle()
    mine.close()
    assert said == []
    assert book.totals().batches == 3


def test_what_a_kill_left_is_sent_again_under_its_name(endpoint, book):
    book.send(ledger.Batch("left", 2, b"[1,2]"))
    mine = opened(endpoint, book, [])
    mine.again()
    mine.close()
    assert endpoint.taken == [("left", [1, 2])]
    assert [(b.name, b.taken, b.rejected) for b in book.known()] == [("left", 1, 1)]


def test_what_is_never_taken_names_the_script(endpoint, book):
    endpoint.answers = [413]
    mine = opened(endpoint, book, [])
    with pytest.raises(errors.StepFailed) as caught:
        mine.send([{"n": 1}])
        mine.settle()
    mine.close()
    assert caught.value.code == "topic.batch_refused"


def test_old_batches_are_forgotten_and_still_counted(book, monkeypatch):
    monkeypatch.setattr(ledger, "KEPT", 3)
    for n in range(10):
        book.send(ledger.Batch(f"b{n}", 5, b"[]"))
        book.acknowledged(f"b{n}", 4, 1)
    assert len(book.known()) <= 5
    assert book.totals() == ledger.Totals(10, 40, 10)
