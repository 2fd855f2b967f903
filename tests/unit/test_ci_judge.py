"""CI judges itself honestly: skips, empty suites and overrun budgets."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "judge.py"
CASE = '<testcase classname="tests.e2e.test_x" name="test_a">{}</testcase>'
SKIPPED = '<skipped type="pytest.skip" message="no browser here"/>'


@pytest.fixture
def judge(tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("judge", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE, module.OUT = tmp_path, tmp_path
    (tmp_path / "budget.toml").write_text("[seconds]\nplain = 10\n")
    (tmp_path / "allowed-skips.toml").write_text("")
    return module


def report(folder: Path, *cases: str) -> str:
    text = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    (folder / "x.xml").write_text(text)
    return str(folder / "x.xml")


def allow(folder: Path, test: str, reason: str) -> None:
    text = f'[[skip]]\ntest = "{test}"\nreason = "{reason}"\n'
    (folder / "allowed-skips.toml").write_text(text)


def test_tests_that_ran_are_fine(judge: ModuleType, tmp_path: Path) -> None:
    assert judge.main(["skips", report(tmp_path, CASE.format(""))]) == 0


def test_a_suite_without_tests_fails(judge: ModuleType, tmp_path: Path) -> None:
    assert judge.main(["skips", report(tmp_path)]) == 1
    assert judge.main(["skips", str(tmp_path / "absent.xml")]) == 1


def test_a_skip_that_nobody_explained_fails(judge: ModuleType, tmp_path: Path) -> None:
    assert judge.main(["skips", report(tmp_path, CASE.format(SKIPPED))]) == 1


def test_an_explained_skip_is_fine_for_that_reason_only(judge: ModuleType, tmp_path: Path) -> None:
    file = report(tmp_path, CASE.format(SKIPPED))
    allow(tmp_path, "tests.e2e.test_x::*", "no browser")
    assert judge.main(["skips", file]) == 0
    allow(tmp_path, "tests.e2e.test_x::*", "Docker is not running")
    assert judge.main(["skips", file]) == 1


def test_an_expected_failure_is_no_skip(judge: ModuleType, tmp_path: Path) -> None:
    expected = '<skipped type="pytest.xfail" message="known"/>'
    assert judge.main(["skips", report(tmp_path, CASE.format(expected))]) == 0


@pytest.mark.parametrize(("seconds", "verdict"), [(10, 0), (11, 0), (20, 0), (21, 1)])
def test_over_budget_is_said_and_over_twice_fails(
    judge: ModuleType, capsys: pytest.CaptureFixture[str], seconds: int, verdict: int
) -> None:
    assert judge.main(["time", "plain", str(seconds)]) == verdict
    assert ("!!!" in capsys.readouterr().out) == (seconds > 10)


def test_a_section_without_a_share_fails(judge: ModuleType) -> None:
    assert judge.main(["time", "unheard", "1"]) == 1
