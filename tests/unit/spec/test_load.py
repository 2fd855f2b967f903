"""A whole file: typed, checked, every finding at once and in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.spec import load, steps

GOOD = """\
tidewright: 0
platform: bank
owner: {team: payments}
sources:
  bank: {postgres: {workload: workload.py, rate: 2k/s}}
flow:
  - capture: {from: bank, tables: [bank.users, bank.accounts]}
  - model: {dbt: models/}
  - check: {dir: checks/}
  - publish: {tables: [balances], to: postgres}
goals: {fresh: 30s, uptime: 99.9%}
run:
  laptop: embedded
  quiet: {target: local, sources: {bank: {postgres: {rate: 10}}}, goals: null}
  theirs: {sources: {bank: {postgres: {url: {secret: bank_url}, workload: null, rate: null}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models" / "marts").mkdir(parents=True)
    (tmp_path / "models" / "dbt_project.yml").touch()
    (tmp_path / "models" / "marts" / "balances.sql").touch()
    (tmp_path / "checks").mkdir()
    (tmp_path / "workload.py").touch()
    (tmp_path / "platform.yaml").write_text(GOOD)
    return tmp_path


def _findings(folder: Path, text: str, environment: str | None = None) -> list[errors.Finding]:
    (folder / "platform.yaml").write_text(text)
    with pytest.raises(errors.SpecError) as caught:
        load.load(folder / "platform.yaml", environment)
    return list(caught.value.findings)


def test_the_first_environment_is_the_default(folder: Path) -> None:
    spec = load.load(folder / "platform.yaml")
    assert (spec.environment, spec.target) == ("laptop", "local")
    assert spec.document.sources["bank"].postgres.rate == 2000.0
    assert spec.document.goals.fresh == 30.0


def test_environments_override(folder: Path) -> None:
    quiet = load.load(folder / "platform.yaml", "quiet").document
    theirs = load.load(folder / "platform.yaml", "theirs").document
    assert (quiet.sources["bank"].postgres.rate, quiet.goals.fresh) == (10.0, None)
    url = theirs.sources["bank"].postgres.url
    assert url is not None
    assert url.secret == "bank_url"


def test_a_file_without_environments_has_one(folder: Path) -> None:
    (folder / "platform.yaml").write_text(GOOD.partition("run:")[0])
    assert load.environments(folder / "platform.yaml") == ("laptop",)


CASES = [
    ("platform: bank", "platform: Bank", "file.wrong_value", 2, 1),
    ("platform: bank", "platfrom: bank", "file.unknown_key", 2, 1),
    ("platform: bank\n", "", "file.missing_key", 1, 1),
    ("tidewright: 0", "tidewright: 1", "file.version", 1, 1),
    ("tidewright: 0", "tidewright: false", "file.version", 1, 1),
    ("{team: payments}", "{tean: payments, team: x}", "file.unknown_key", 3, 9),
    ("rate: 2k/s", "rate: 30s", "file.wrong_unit", 5, 44),
    ("workload: workload.py", "workload: ../w.py", "file.outside", 5, 21),
    ("workload: workload.py", "workload: /etc/passwd", "file.outside", 5, 21),
    ("workload: workload.py", "workload: nope.py", "file.no_such_path", 5, 21),
    ("workload: workload.py", "database: x", "file.missing_key", 5, 10),
    ("rate: 2k/s", "url: {secret: u}", "file.wrong_value", 5, 10),
    ("rate: 2k/s", "url: 'postgres://u:pa55@h/d'", "file.secret_in_clear", 5, 44),
    ("rate: 2k/s", "url: {secret: 'postgres://u:pa55@h/d'}", "file.secret_in_clear", 5, 50),
    ("{postgres: {workload", "{mysql: {workload", "file.not_yet", 5, 3),
    ("{postgres: {workload", "{postgers: {workload", "file.unknown_key", 5, 3),
    ("from: bank", "from: bnak", "file.unknown_source", 7, 15),
    ("bank.users", "users", "file.wrong_value", 7, 36),
    ("bank.users", "bank.accounts", "file.repeated", 7, 51),
    ("bank.users", "other.accounts", "file.clash", 7, 52),
    ("bank.accounts]", "bank.accounts], to: bank", "file.clash", 7, 64),
    ("bank.accounts]", "bank.accounts], raw_columns: {bank.x: [id]}", "file.unknown_table", 7, 78),
    ("- model: {dbt: models/}", "- modle: {dbt: models/}", "file.unknown_key", 8, 5),
    ("- model: {dbt: models/}", "- model", "file.wrong_type", 8, 5),
    ("dbt: models/", "dbt: nope/", "file.no_such_path", 8, 13),
    ("dbt: models/", "dbt: checks/", "file.no_such_path", 8, 13),
    ("dir: checks/", "dir: checks/, on_fail: go-on", "file.wrong_value", 9, 27),
    ("[balances]", "[balance]", "file.no_model", 10, 24),
    ("[balances]", "[]", "file.wrong_value", 10, 15),
    ("to: postgres", "to: mysql", "file.wrong_value", 10, 35),
    ("fresh: 30s", "fresh: 30GB", "file.wrong_unit", 11, 9),
    ("fresh: 30s", "fresh: 30", "file.wrong_unit", 11, 9),
    ("goals: {fresh", "engines: {sql: trino}\ngoals: {fresh", "file.not_yet", 11, 1),
    ("goals: {fresh", "engines: {bi: metabase}\ngoals: {fresh", "file.not_yet", 11, 11),
    ("goals: {fresh", "engines: {bi: excel}\ngoals: {fresh", "file.wrong_value", 11, 11),
    (
        "goals: {fresh",
        "charts: [{name: A, mart: balance, kind: table}]\ngoals: {fresh",
        "file.unknown_table",
        11,
        20,
    ),
    (
        "goals: {fresh",
        "charts: [{name: A, mart: balances, kind: pie}]\ngoals: {fresh",
        "file.wrong_value",
        11,
        36,
    ),
    (
        "goals: {fresh",
        "charts: [{name: A, mart: balances, kind: bar, x: day}]\ngoals: {fresh",
        "file.wrong_value",
        11,
        10,
    ),
    (
        "goals: {fresh",
        "charts: [{name: '', mart: balances, kind: table}]\ngoals: {fresh",
        "file.wrong_value",
        11,
        11,
    ),
    ("laptop: embedded", "laptop: kubernetes", "file.wrong_value", 13, 3),
    ("laptop: embedded", "laptop: {target: kubernetes}", "file.not_yet", 13, 12),
    ("laptop: embedded", "laptop: {target: locla}", "file.wrong_value", 13, 12),
    ("laptop: embedded", "laptop: {cloud: aws}", "file.not_yet", 13, 12),
    ("laptop: embedded", "laptop: {sorces: {}}", "file.unknown_key", 13, 12),
    ("  laptop: embedded", "  Laptop: embedded", "file.wrong_value", 13, 3),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "column"), CASES)
def test_each_mistake_is_one_finding_in_its_place(
    folder: Path, old: str, new: str, code: str, line: int, column: int
) -> None:
    assert old in GOOD
    found = _findings(folder, GOOD.replace(old, new, 1))
    assert [(f.code, f.where.line, f.where.column) for f in found] == [(code, line, column)]
    assert "pa55" not in str(found)


def test_an_environment_names_engines_by_role_or_by_a_word(folder: Path) -> None:
    file = folder / "platform.yaml"
    assert load.load(file).document.engines.bi is None
    file.write_text(GOOD.replace("laptop: embedded", "laptop: {engines: {bi: superset}}"))
    assert load.load(file).document.engines.bi == "superset"


def test_all_mistakes_come_at_once_in_order(folder: Path) -> None:
    text = GOOD
    for old, new, *_ in (CASES[0], CASES[6], CASES[16], CASES[31]):
        text = text.replace(old, new, 1)
    found = _findings(folder, text)
    assert [f.where.line for f in found] == [2, 5, 7, 11]


def test_wrong_types_hide_no_wrong_meaning(folder: Path) -> None:
    """A wrong unit, and beside it a source and a folder that are not there, and a wrong order."""
    text = GOOD.replace("fresh: 30s", "fresh: 30 parsecs").replace("from: bank", "from: bnak")
    text = text.replace("dir: checks/", "dir: chek/")
    steps = text.replace("  - model: {dbt: models/}\n", "")
    text = steps.replace("\ngoals:", "\n  - model: {dbt: models/}\ngoals:")
    assert [f.code for f in _findings(folder, text)] == [
        "file.unknown_source", "file.no_such_path", "file.order", "file.wrong_unit"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        # The step that is wrong may be the very one that another step needs, or the first.
        ("model: {dbt: models/}", "model: {dbt: [1]}", "file.wrong_type"),
        ("capture: {from: bank", "capture: {from: [bank]", "file.wrong_type"),
        ("- model: {dbt: models/}", "- modle: {dbt: models/}", "file.unknown_key"),
        ("  bank: {postgres: {workload: workload.py, rate: 2k/s}}", "  bank: 5", "file.wrong_type"),
        ("rate: 2k/s", "rate: fast", "file.wrong_unit"),
    ],
)
def test_nothing_is_supposed_of_what_is_not_typed(
    folder: Path, old: str, new: str, code: str
) -> None:
    assert old in GOOD
    assert [f.code for f in _findings(folder, GOOD.replace(old, new))] == [code]


def test_a_flow_that_is_none_is_one_finding(folder: Path) -> None:
    text = GOOD.partition("flow:")[0] + "flow: 5\n"
    assert [f.code for f in _findings(folder, text)] == ["file.wrong_type"]


@pytest.mark.parametrize(
    "table", ["bank.Order", "My Shop.my table", "größe.日本", "bank.a.b", "bank.it's", 'b."', "b.%"]
)
def test_a_table_is_named_as_the_database_has_it(folder: Path, table: str) -> None:
    (folder / "platform.yaml").write_text(GOOD.replace("bank.users", json.dumps(table)))
    (capture, *_) = load.load(folder / "platform.yaml").document.flow
    assert isinstance(capture, steps.CaptureStep)
    assert capture.capture.tables[0] == table


@pytest.mark.parametrize("table", ["users", ".users", "bank.", "bank.a\tb", "bank." + "ü" * 32])
def test_what_no_database_calls_a_table_is_refused(folder: Path, table: str) -> None:
    (finding,) = _findings(folder, GOOD.replace("bank.users", json.dumps(table)))
    assert finding.code == "file.wrong_value"


def test_tables_that_differ_by_case_only_would_be_one_to_some_readers(folder: Path) -> None:
    two = _findings(folder, GOOD.replace("bank.users", "bank.Users, bank.users"))
    assert [f.code for f in two] == ["file.clash"]


def test_a_misspelt_word_is_guessed(folder: Path) -> None:
    (finding,) = _findings(folder, GOOD.replace("from: bank", "from: bnak"))
    assert "Did you mean bank?" in finding.hint


def test_only_not_yet_is_unsupported(folder: Path) -> None:
    text = GOOD.replace("laptop: embedded", "laptop: {target: kubernetes, cloud: aws}")
    (folder / "platform.yaml").write_text(text)
    with pytest.raises(errors.UnsupportedFile) as caught:
        load.load(folder / "platform.yaml")
    assert caught.value.exit_code == 3
    assert len(caught.value.findings) == 2


def test_other_environments_hold_nobody_up_until_asked_for(folder: Path) -> None:
    text = GOOD + "  prod: {target: kubernetes}\n"
    (folder / "platform.yaml").write_text(text)
    assert load.load(folder / "platform.yaml").environment == "laptop"
    with pytest.raises(errors.UnsupportedFile):
        load.load_all(folder / "platform.yaml")


def test_the_same_mistake_in_all_environments_is_said_once(folder: Path) -> None:
    (folder / "platform.yaml").write_text(GOOD.replace("from: bank", "from: bnak"))
    with pytest.raises(errors.SpecError) as caught:
        load.load_all(folder / "platform.yaml")
    assert len(caught.value.findings) == 1


def test_a_link_out_of_the_folder_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "checks").rmdir()
    (folder / "checks").symlink_to(elsewhere)
    assert [f.code for f in _findings(folder, GOOD)] == ["file.outside"]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: None, "file.missing"),
        (lambda p: p.mkdir(), "file.unreadable"),
        (lambda p: p.write_bytes(b"a: \xff"), "file.yaml"),
        (lambda p: p.write_text(""), "file.wrong_type"),
        (lambda p: p.write_text("- a\n"), "file.wrong_type"),
        (lambda p: p.write_text("a: [1\n"), "file.yaml"),
        (lambda p: p.write_text("tidewright: 0\nrun: 7\n"), "file.wrong_type"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, make, code: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "platform.yaml")
    with pytest.raises(errors.SpecError) as caught:
        load.load(tmp_path / "platform.yaml")
    assert [f.code for f in caught.value.findings] == [code]


def test_an_environment_that_is_not_there(folder: Path) -> None:
    with pytest.raises(errors.SpecError, match=r"Did you mean laptop\?") as caught:
        load.load(folder / "platform.yaml", "labtop")
    assert caught.value.code == "file.unknown_environment"


def test_an_environment_that_is_none_hides_nothing_else(folder: Path) -> None:
    text = GOOD.replace("embedded", "kubernetes") + "bogus: 1\n"
    codes = [f.code for f in _findings(folder, text)]
    assert sorted(codes) == ["file.unknown_key", "file.wrong_value"]


def test_order_of_steps(folder: Path) -> None:
    lines = GOOD.splitlines()
    lines[7], lines[9] = lines[9], lines[7]
    codes = {f.code for f in _findings(folder, "\n".join(lines))}
    assert codes == {"file.order"}
