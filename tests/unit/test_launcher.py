"""The script at the root: old Pythons understand it, and its stamp notices what changed."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tidewright"


@pytest.fixture
def launcher(tmp_path: Path) -> ModuleType:
    """The script as a module, standing in a folder of its own."""
    for name in ("tidewright", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    loader = importlib.machinery.SourceFileLoader("launcher", str(tmp_path / "tidewright"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def installed(launcher: ModuleType, *names: str) -> None:
    """What a complete installation of these sets leaves behind."""
    python = Path(launcher.PYTHON)
    python.parent.mkdir(parents=True, exist_ok=True)
    if not python.exists():
        python.symlink_to(sys.executable)
    for name in names:
        Path(launcher.stamp_file(name)).write_text(launcher.stamp_of(name))


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_python_3_6_can_read_it_to_say_that_it_is_too_old() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_it_imports_only_the_standard_library() -> None:
    nodes = [n for n in ast.walk(ast.parse(SCRIPT.read_text())) if isinstance(n, ast.Import)]
    names = {alias.name.partition(".")[0] for node in nodes for alias in node.names}
    assert names <= sys.stdlib_module_names


def test_it_is_executable() -> None:
    assert SCRIPT.stat().st_mode & 0o111


def test_nothing_installed_means_all_is_missing(launcher: ModuleType) -> None:
    assert launcher.missing_of(["run", "test"]) == ["run", "test"]


def test_a_complete_installation_misses_nothing(launcher: ModuleType) -> None:
    installed(launcher, "run", "test")
    assert launcher.missing_of(["run", "test"]) == []


def test_an_interrupted_installation_is_missing(launcher: ModuleType) -> None:
    installed(launcher, "run")
    assert launcher.missing_of(["run", "test"]) == ["test"]


def test_an_installation_that_ended_in_the_middle_of_pip_is_missing(launcher: ModuleType) -> None:
    installed(launcher, "run", "test")
    Path(launcher.UNFINISHED).touch()
    assert launcher.missing_of(["run"]) == ["run"]


@pytest.mark.parametrize("changed", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_makes_both_sets_missing(launcher: ModuleType, changed: str) -> None:
    installed(launcher, "run", "test")
    with (Path(launcher.ROOT) / changed).open("a") as file:
        file.write("# another\n")
    assert launcher.missing_of(["run", "test"]) == ["run", "test"]


def test_test_packages_changed_leave_the_run_set_alone(launcher: ModuleType) -> None:
    installed(launcher, "run", "test")
    with (Path(launcher.ROOT) / "requirements-test.lock").open("a") as file:
        file.write("# another\n")
    assert launcher.missing_of(["run", "test"]) == ["test"]


def test_an_interpreter_that_went_away_makes_all_missing(launcher: ModuleType) -> None:
    installed(launcher, "run")
    Path(launcher.PYTHON).unlink()
    assert launcher.missing_of(["run"]) == ["run"]


def test_the_newest_tested_python_that_really_starts_is_taken(
    launcher: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program(folder, "python3.13", "echo 'command not found' >&2; exit 127")
    program(folder, "python3.12", "echo 3 12")
    program(folder, "python3.11", "echo 3 11")
    program(folder, "python3", "echo 3 9")
    monkeypatch.setenv("PATH", str(folder))
    found = [Path(path).name for path in launcher.newer_pythons()]
    assert found == ["python3.12", "python3.11"]


def test_a_folder_that_is_no_environment_is_not_healthy(launcher: ModuleType) -> None:
    assert not launcher.venv_is_healthy()
    Path(launcher.VENV).mkdir()
    Path(launcher.VENV, "pyvenv.cfg").write_text("command = python -m venv /elsewhere/.venv\n")
    assert not launcher.venv_is_healthy()


def test_it_leads_neither_python_nor_pip_out_of_the_environment(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PIP_USER", "PIP_TARGET"):
        monkeypatch.setenv(name, "1")
    assert not {"PYTHONPATH", "PIP_USER", "PIP_TARGET"} & set(launcher.environment())


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: [Errno 28] No space left on device", "disk is full"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "report it"),
        ("ERROR: Could not find a version that satisfies numpy==9", "network"),
        ("ERROR: something else", "goes on from here"),
    ],
)
def test_a_failure_of_pip_says_what_to_do(
    launcher: ModuleType, capsys: pytest.CaptureFixture[str], output: str, words: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        launcher.explain([output])
    assert stopped.value.code == 5
    assert words in capsys.readouterr().err


def test_every_package_is_pinned_by_version_and_hash() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        entries = re.split(r"\n(?=[a-z0-9])", lock.read_text().strip())
        assert [e for e in entries if "==" not in e or "--hash=sha256:" not in e] == []


def test_the_two_locks_agree() -> None:
    pins = [dict(re.findall(r"^([a-z0-9.-]+)(==[^ ]+)", lock.read_text(), re.MULTILINE))
            for lock in (ROOT / "requirements.lock", ROOT / "requirements-test.lock")]  # fmt: skip
    assert {n: v for n, v in pins[1].items() if pins[0].get(n, v) != v} == {}


def test_it_says_on_a_foreign_platform_what_it_needs(tmp_path: Path) -> None:
    code = (
        "import platform, runpy, sys\n"
        "platform.system = lambda: 'Windows'\n"
        f"sys.argv = ['tidewright']\nrunpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 3
    assert "WSL" in done.stderr and "Traceback" not in done.stderr
