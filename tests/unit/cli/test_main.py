"""The command line as a whole: help, verbs, exit codes, and what an error looks like."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tidewright.cli import commands, failures, main

BANK = str(Path(__file__).parents[3] / "examples" / "bank-cdc" / "platform.yaml")


def test_help_lists_every_verb_under_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in commands.VERBS)
    assert text.index("Start:") < text.index("Look:") < text.index("Trust:")


@pytest.mark.parametrize("name", list(commands.VERBS))
def test_every_verb_has_a_body_and_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = importlib.import_module(commands.VERBS[name].module).command
    assert isinstance(command, click.Command)
    assert main.run([name, "--help"]) == 0
    assert "Usage: tidewright " + name in capsys.readouterr().out


def test_help_imports_no_verb_and_no_library() -> None:
    code = (
        "import sys; from tidewright.cli import main; main.run(['--help']);"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in"
        " ('pydantic', 'ruamel', 'psycopg', 'pyarrow', 'duckdb', 'numpy')"
        " or m.startswith(('tidewright.cli.verbs.', 'tidewright.operations'))), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_an_unknown_verb_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["chek"]) == 2
    said = capsys.readouterr()
    assert "did you mean check?" in said.err
    assert "[cli.usage]" in said.err
    assert said.out == ""


def test_all_findings_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "platform.yaml").write_text("tidewright: 1\nplatform: X\n")
    assert main.run(["check", "--file", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "platform.yaml:1:1" in said.err
    assert "[file.version]" in said.err
    assert "[file.wrong_value]" in said.err
    assert "findings." in said.err


def test_json_has_one_shape_for_answers_and_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["check", "--file", BANK, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["schemaVersion"] == 1
    assert main.run(["check", "--file", str(tmp_path / "none.yaml"), "-o", "json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {"schemaVersion", "error", "findings"}
    assert said["error"].keys() == {"code", "what", "where", "hint"}
    assert said["findings"] == [said["error"]]


def test_not_supported_yet_exits_with_3(tmp_path: Path) -> None:
    (tmp_path / "platform.yaml").write_text(
        "tidewright: 0\nplatform: p\nsources: {s: {postgres: {url: {secret: u}}}}\n"
        "flow: [{capture: {from: s, tables: [a.b]}}]\nrun: {prod: {target: kubernetes}}\n"
    )
    assert main.run(["check", "--file", str(tmp_path)]) == 3


def test_a_defect_is_kept_in_a_private_file_and_shows_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("deep inside")

    (tmp_path / ".tidewright").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main.cli, "main", broken)
    assert main.run(["check"]) == 1
    said = capsys.readouterr()
    assert "this is a defect of tidewright: ZeroDivisionError" in said.err
    assert "[cli.defect]" in said.err
    assert "Traceback" not in said.err + said.out
    (log,) = (tmp_path / ".tidewright").glob("defect-*.log")
    assert "deep inside" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.cli, "main", interrupted)
    assert main.run(["check"]) == failures.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_and_kill_end_it_as_ctrl_c_does(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main.cli, "main", lambda *_, **__: os.kill(os.getpid(), number))
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main.run(["check"]) == failures.INTERRUPTED
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_reader_that_leaves_is_no_defect() -> None:
    command = f"{sys.executable} -m tidewright explain -f {BANK} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["check", "-o", "json"], True),
        (["check", "--output", "json"], True),
        (["check", "--output=json"], True),
        (["check", "-ojson"], True),
        (["check", "-o", "yaml"], False),
        (["query", "json"], False),
    ],
)
def test_json_is_known_before_options_are_parsed(words: list[str], wanted: bool) -> None:
    assert failures.wants_json(words) is wanted
