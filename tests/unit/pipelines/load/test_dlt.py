"""Sources of dlt as a process: what it is asked, what it can see, and what stays of it.

The Python here is a small script in the place of the one that has dlt; the real one is in
tests/e2e/test_dlt_sources.py.
"""

import json
import sys
from pathlib import Path

import pytest

from tidewright.pipelines.load import dlt, install, marks, masking, messages

PROGRAM = """#!{python}
import json, os, sys
request = json.loads(sys.stdin.readline())
with open({told!r}, "w") as file:
    seen = dict(os.environ), sys.argv, os.getcwd(), os.stat(os.getcwd()).st_mode
    json.dump([request, *seen, os.getppid()], file)
say = lambda **message: print(json.dumps(message))
say(type="RECORD", record={{"stream": "users", "data": {{"id": 1}}, "emitted_at": 1}})
print("the key is s3cr3t", file=sys.stderr)
say(type="TRACE", trace={{"type": "ERROR", "error": {{"message": "401 for s3cr3t"}}}})
sys.exit(3)
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch):
    """A function that runs the program, and gives it, its messages and what it saw."""
    home, told = tmp_path / "home", tmp_path / "told.json"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "python"
    program.write_text(PROGRAM.format(python=sys.executable, told=str(told)))
    program.chmod(0o755)
    wanted = []
    monkeypatch.setattr(install, "ensure", lambda package, tell: wanted.append(package) or home)

    def run(do="read", states=None, packages=()):
        found = dlt.Dlt(
            tmp_path / "orders.py", {"key": "s3cr3t"}, packages, ("users",), states or {}, 30.0,
            tmp_path / "scratch", print, do, masking.Mask(["s3cr3t"]),
        )  # fmt: skip
        said = list(found.messages())
        found.close()
        return found, said, json.loads(told.read_text()) if told.exists() else None, wanted

    return run


def test_it_is_asked_by_a_pipe_alone(asked, tmp_path):
    state = {"type": "GLOBAL", "sources": "{}", "tables": []}
    _, _, (request, environment, argv, *_), _ = asked(states={marks.SHARED: state, "users": None})
    assert request["config"] == {"key": "s3cr3t"}
    assert request["script"] == str(tmp_path / "orders.py")
    assert request["streams"] == ["users"]
    assert request["state"] == {"sources": "{}", "tables": []}
    assert argv[1:] == ["-I", str(dlt.CHILD)]
    assert "s3cr3t" not in json.dumps([environment, argv])


def test_nothing_of_the_users_environment_configures_it(asked, monkeypatch):
    monkeypatch.setenv("RUNTIME__SLACK_INCOMING_HOOK", "https://hooks.example.com")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "true")
    monkeypatch.setenv("SOURCES__TOKEN", "other")
    _, _, (_, environment, *_), _ = asked()
    assert environment["RUNTIME__DLTHUB_TELEMETRY"] == "false"
    assert environment["PATH"]
    assert not {"RUNTIME__SLACK_INCOMING_HOOK", "SOURCES__TOKEN"} & set(environment)


def test_it_works_in_a_private_folder_of_which_nothing_stays(asked, tmp_path):
    scratch = tmp_path / "scratch"
    (scratch / "dlt-left").mkdir(parents=True)
    _, _, (request, environment, _, where, mode, _), _ = asked()
    assert Path(where).parent == scratch
    assert request["folder"] == environment["DLT_DATA_DIR"] == environment["TMPDIR"] == where
    assert mode & 0o077 == 0
    assert list(scratch.iterdir()) == []


def test_what_it_says_is_masked_and_its_exit_code_told(asked):
    found, said, *_ = asked()
    assert said == [messages.Record("users", {"id": 1}), messages.Failed(None, "401 for ***")]
    assert found.code == 3


def test_the_packages_of_its_file_come_beside_dlt(asked):
    *_, wanted = asked(packages=("s3fs", "duckdb==1.4.0"))
    assert wanted == [f"{dlt.PACKAGE} s3fs duckdb==1.4.0"]


def test_it_cannot_be_asked_to_count(asked, tmp_path):
    found, said, seen, wanted = asked(do="totals")
    assert (found.code, said, seen, wanted) == (0, [], None, [])
    assert not (tmp_path / "scratch").exists()
