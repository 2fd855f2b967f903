"""An Airbyte connector as a program: discovered, read with its catalog and state, cleaned up after.

The program here is a small script that speaks the protocol; the real ones are installed on demand.
"""

import json
import os
import sys
from pathlib import Path

import pytest

from tidewright.pipelines.load import airbyte, install, marks, messages

PROGRAM = """#!{python}
import json, sys
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
say = lambda **message: print(json.dumps(message))
config = json.load(open(arguments["--config"]))
print("a line that is no message")
if sys.argv[1] == "discover":
    schema = {{"type": "object", "properties": {{"id": {{"type": "integer"}}}}}}
    streams = [
        {{"name": "users", "json_schema": schema, "source_defined_cursor": True,
         "supported_sync_modes": ["full_refresh", "incremental"], "default_cursor_field": ["id"],
         "source_defined_primary_key": [["id"]]}},
        {{"name": "odd", "json_schema": schema, "supported_sync_modes": ["incremental"]}},
    ]
    say(type="CATALOG", catalog={{"streams": streams}})
else:
    catalog, state = (json.load(open(arguments[f"--{{n}}"])) for n in ("catalog", "state"))
    open(config["told"], "w").write(json.dumps([catalog, state]))
    say(type="RECORD", record={{"stream": "users", "data": {{"id": 1}}, "emitted_at": 1}})
    if config.get("fail"):
        sys.exit(7)
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch):
    """A function that runs the program and gives its messages and itself."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "source-test"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    # Nothing is fetched in a unit test; what an installation does is in test_install.
    monkeypatch.setattr(install, "ensure", lambda package, tell: home)

    def run(do="read", states=None, **config):
        config["told"] = str(tmp_path / "told.json")
        found = airbyte.Airbyte(
            "source-test==1.0", config, (), states or {}, 30.0, tmp_path / "scratch", print, do
        )
        said = list(found.messages())
        found.close()
        return found, said

    return run


def test_it_is_discovered_and_read(asked, tmp_path):
    found, said = asked(states={"users": {"id": 4}, "odd": None})
    assert found.code == 0
    catalog = next(m for m in said if isinstance(m, messages.Catalog))
    assert [(s.name, s.modes) for s in catalog.streams] == [
        ("users", ("full_refresh", "incremental")),
        ("odd", ()),
    ]
    assert messages.Record("users", {"id": 1}) in said
    configured, state = json.loads((tmp_path / "told.json").read_text())
    assert [s["sync_mode"] for s in configured["streams"]] == ["incremental", "full_refresh"]
    assert [s["stream"]["name"] for s in configured["streams"]] == ["users", "odd"]
    assert state == [
        {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": "users"}, "stream_state": {"id": 4}},
        }
    ]


def test_nothing_of_it_stays_on_disk(asked, tmp_path):
    asked(password="s3cr3t")
    assert list((tmp_path / "scratch").iterdir()) == []
    (tmp_path / "scratch" / "airbyte-left").mkdir()
    asked()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert (tmp_path / "scratch").stat().st_mode & 0o077 == 0


def test_its_exit_code_is_told(asked):
    found, _ = asked(fail=True)
    assert found.code == 7


def test_it_cannot_be_asked_to_count(asked, tmp_path):
    found, said = asked(do="totals")
    assert (found.code, said) == (0, [])
    assert not (tmp_path / "scratch").exists(), "a worker beside us keeps its files"


def test_a_shared_state_goes_back_as_it_came():
    whole = {"type": "GLOBAL", "global": {"shared_state": {"n": 1}}}
    assert airbyte.told({marks.SHARED: whole, "users": None}) == [whole]


def test_no_statistics_leave_the_machine():
    assert install.environment()["DO_NOT_TRACK"] == "1"
    assert install.environment()["AIRBYTE_OFFLINE_MODE"] == "1"
    assert install.environment()["PATH"] == os.environ["PATH"]
