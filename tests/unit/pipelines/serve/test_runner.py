"""A played source: it answers over HTTP, keeps its pace, and outlives a script that is wrong."""

import json
import threading
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from tidewright.model import codec, jobs, observed
from tidewright.pipelines.serve import runner

SCRIPT = """
made = 0

def setup(folder):
    (folder / "kept").touch()

def step(changes):
    global made
    made += changes
    return changes

def answer(path, query):
    if path == "/break":
        raise RuntimeError("the shelf fell")
    return {"made": made, "asked": query} if path == "/made" else None
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a script and its job; pauses between attempts are cut short."""
    monkeypatch.setattr(runner, "PAUSES", (0.0,))
    monkeypatch.setattr(runner, "TICK", 0.01)
    (tmp_path / "script.py").write_text(SCRIPT)
    job = jobs.ServeJob(
        script=str(tmp_path / "script.py"),
        rate=1000.0,
        folder=str(tmp_path / "data"),
        port=0,
        status=str(tmp_path / "status.json"),
    )
    (tmp_path / "job.json").write_text(codec.dumps(job))
    return tmp_path


@pytest.fixture
def served(place):
    """The runner and a function that asks it over HTTP."""
    running = runner.Runner(place / "job.json")
    server = running.listen()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}") as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)

    yield running, get
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_is_up_before_the_script_is(served):
    _, get = served
    assert get("/healthz") == (200, {"ok": True})
    assert get("/made")[0] == 503


def test_it_answers_what_the_script_answers(served, place):
    running, get = served
    while running.report.changes == 0:
        running.turn()
    status, body = get("/made?a=1")
    assert (status, body["asked"]) == (200, {"a": "1"})
    assert body["made"] == running.report.changes
    assert get("/nothing")[0] == 404
    assert (place / "data" / "kept").exists()


def test_a_script_that_raises_is_an_answer(served):
    running, get = served
    running.turn()
    assert get("/break") == (500, {"error": "the shelf fell"})


def test_a_broken_script_is_named_and_loaded_again(served, place):
    running, _ = served
    (place / "script.py").write_text("def setup(folder: pass\n")
    running.turn()
    assert "script.py:1" in running.message
    (place / "script.py").write_text(SCRIPT)
    running.turn()
    assert running.played is not None


def test_a_script_without_its_functions_is_named(served, place):
    running, _ = served
    (place / "script.py").write_text("def setup(folder): pass\n")
    running.turn()
    assert "it has no function step" in running.message


def test_the_rate_follows_the_job(served, place):
    running, _ = served
    running.turn()
    (place / "job.json").write_text(codec.dumps(replace(running.job, rate=0.0)))
    running.turn()
    assert running.job.rate == 0.0


def test_it_says_how_it_is(served, place):
    running, _ = served
    running.turn()
    told = codec.loads(observed.WorkloadStatus, (place / "status.json").read_text())
    assert told.healthy
    assert told.message == "aiming at 1000 changes/s"
