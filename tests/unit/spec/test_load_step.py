"""The step ``load``: what it takes, and every way to write it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build
from tidewright.model import jobs
from tidewright.spec import load

FILE = """
tidewright: 0
platform: shop
flow:
  - load: {%s}
run: {laptop: embedded}
"""


def read(folder: Path, step: str) -> load.Spec:
    (folder / "connector.py").write_text("")
    (folder / "platform.yaml").write_text(FILE % step)
    return load.load(folder / "platform.yaml")


def findings(folder: Path, step: str) -> list[tuple[str, str]]:
    with pytest.raises(errors.SpecError) as wrong:
        read(folder, step)
    return [(f.code, f.what) for f in wrong.value.findings]


def job(folder: Path, step: str) -> jobs.LoadJob:
    services = build.build(read(folder, step)).services
    (found,) = [s.process.job for s in services if isinstance(s.process.job, jobs.LoadJob)]
    return found


def test_a_file_alone_is_a_python_connector(tmp_path: Path) -> None:
    found = job(tmp_path, "connector: connector.py, every: 10s")
    assert (found.load.connector.kind, found.load.connector.name) == ("python", "connector.py")
    assert (found.name, found.load.every, found.load.streams) == ("bronze", 10.0, ())
    assert found.url is None


def test_secrets_of_the_configuration_are_asked_for(tmp_path: Path) -> None:
    step = "connector: {python: connector.py, config: {a: [{secret: one}], b: 2}}, every: 1m"
    assert build.build(read(tmp_path, step)).asked == ("one",)


def test_a_connector_of_airbyte(tmp_path: Path) -> None:
    found = job(tmp_path, "connector: {airbyte: source-faker==7.2.1}, every: 1h")
    assert (found.load.connector.kind, found.load.every) == ("airbyte", 3600.0)


def test_sources_of_dlt(tmp_path: Path) -> None:
    step = "connector: {dlt: connector.py, config: {a: {secret: one}}, packages: [s3fs, 'a[b]==1']}"
    found = job(tmp_path, f"{step}, every: 1h").load.connector
    assert (found.kind, found.name) == ("dlt", "connector.py")
    assert found.packages == ("s3fs", "a[b]==1")
    assert build.build(read(tmp_path, f"{step}, every: 1h")).asked == ("one",)


def test_a_calendar_says_when_as_for_backups(tmp_path: Path) -> None:
    found = job(tmp_path, "connector: connector.py, cron: '0 3 * * mon', zone: Europe/Berlin").load
    assert (found.every, found.cron, found.zone) == (None, "0 3 * * mon", "Europe/Berlin")


@pytest.mark.parametrize(
    ("step", "code", "what"),
    [
        ("connector: other.py, every: 10s", "file.no_such_path", "the file other.py"),
        ("connector: connector.py", "file.missing_key", "every"),
        ("connector: connector.py, every: 10ms", "file.wrong_value", "every is shorter"),
        (
            "connector: connector.py, every: 10s, cron: '0 3 * * *'",
            "file.wrong_value",
            "exactly one",
        ),
        ("connector: connector.py, cron: '0 3 * *'", "file.wrong_value", "cron '0 3 * *'"),
        ("connector: connector.py, cron: '0 0 31 2 *'", "file.wrong_value", "cron '0 0 31 2 *'"),
        (
            "connector: connector.py, cron: '0 3 * * *', zone: Mars/Olympus",
            "file.wrong_value",
            "no time zone",
        ),
        ("connector: {airbyte: faker}, every: 10s", "file.wrong_value", "connector of Airbyte"),
        ("connector: {dlt: none.py}, every: 10s", "file.no_such_path", "the file none.py"),
        (
            "connector: {dlt: connector.py, packages: ['x @ https://x.example']}, every: 10s",
            "file.wrong_value",
            "package of PyPI",
        ),
        (
            "connector: {dlt: connector.py, python: connector.py}, every: 10s",
            "file.wrong_value",
            "one of them alone",
        ),
        ("connector: {config: {}}, every: 10s", "file.wrong_value", "one of them alone"),
        ("connector: connector.py, every: 10s, streams: [a, a]", "file.repeated", "a is listed"),
        (
            "connector: {python: connector.py, rate: 5}, every: 10s",
            "file.wrong_value",
            "there is none",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, step: str, code: str, what: str) -> None:
    found = findings(tmp_path, step)
    assert [c for c, _ in found] == [code]
    assert what in found[0][1]


def test_layers_are_folders_with_models(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "dbt_project.yml").write_text("name: x\n")
    step = "connector: connector.py, every: 10s}\n  - model: {dbt: models/, layers: [silver]"
    assert findings(tmp_path, step) == [
        ("file.no_such_path", "the layer silver has no models: models/silver/ holds none")
    ]
