from __future__ import annotations

import os
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.model import codec, flow, jobs, values
from tidewright.model import platform as nouns
from tidewright.targets.local import description, driver, layout, render, resolve

PORTS = {"db.sql": 5000, "web.http": 5001}


def _platform(*, prefix: str = "") -> nouns.Platform:
    sql = values.Ref("db", "sql", "port")
    conf = values.Join((prefix, "port = ", sql, "\n"))
    database = nouns.Process(
        argv=("/usr/bin/true", "-c", values.Join(("file=", values.Folder("config", "db/db.conf")))),
        files={"db/db.conf": conf},
        prepare=(
            nouns.Prepare(("/usr/bin/true",), values.Folder("data", "db/x"), values.Secret("s")),
        ),
        drops_root=True,
    )
    job = jobs.WorkloadJob(
        source=flow.Connection(
            values.Ref("db", "sql", "host"), sql, "bank", "u", values.Secret("s")
        ),
        script=values.Folder("project", "w.py"),
        rate=1.0,
        secrets=values.Folder("secrets"),
        status=values.Folder("run", "w.json"),
    )
    web = nouns.Process(argv=("python", values.Folder("config", "web/job.json")), job=job)
    return nouns.Platform(
        "p",
        "e",
        "local",
        (
            nouns.Service(
                "web",
                "shows",
                "c",
                web,
                ports=("http",),
                needs=("db",),
                probe=nouns.Http("http", "/"),
            ),
            nouns.Service("db", "keeps", "c", database, ports=("sql",), probe=nouns.Tcp("sql")),
        ),
        (),
        ("s",),
        (),
    )


def _place(tmp_path: Path, account: str | None = None) -> layout.Layout:
    return layout.Layout(tmp_path / "project", tmp_path / "root", account)


def _render(tmp_path: Path, account: str | None = None, prefix: str = "") -> render.Rendered:
    place = _place(tmp_path, account)
    return render.render(
        _platform(prefix=prefix), resolve.Resolver(place, PORTS), lambda p: f"/copy{p}"
    )


def test_every_reference_becomes_text_and_a_secret_stays_a_name(tmp_path: Path) -> None:
    found = _render(tmp_path)
    assert found.files["config/db/db.conf"] == "port = 5000\n"
    db = found.description.unit("db")
    assert db.argv == ("/usr/bin/true", "-c", f"file={tmp_path}/root/config/db/db.conf")
    assert db.prepare[0].stdin_secret == "s"
    assert db.probe == description.TcpProbe(5000)
    job = codec.loads(jobs.WorkloadJob, found.files["config/web/job.json"])
    assert (job.source.host, job.source.port) == ("127.0.0.1", 5000)
    assert job.source.password == values.Secret("s")
    assert job.script == f"{tmp_path}/project/w.py"


def test_it_is_stable_byte_for_byte(tmp_path: Path) -> None:
    assert _render(tmp_path).files == _render(tmp_path).files
    assert [u.name for u in _render(tmp_path).description.units] == ["db", "web"]


def test_a_changed_file_changes_the_definition(tmp_path: Path) -> None:
    before, after = _render(tmp_path), _render(tmp_path, prefix="# new\n")
    assert before.description.unit("db").definition != after.description.unit("db").definition
    assert before.description.unit("web") == after.description.unit("web")


def test_only_a_dropped_service_gets_an_account_and_a_reachable_program(tmp_path: Path) -> None:
    found = _render(tmp_path, account="nobody")
    assert found.description.unit("db").account == "nobody"
    assert found.description.unit("db").argv[0] == "/copy/usr/bin/true"
    assert found.description.unit("web").argv[0] == "python"
    assert found.accounts == {"config/db/db.conf": "nobody"}


def test_an_unknown_port_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(errors.Bug) as found:
        resolve.Resolver(_place(tmp_path), {}).port("db", "sql")
    assert found.value.code == "local.unknown_port"


def test_written_files_are_private_and_others_go_away(tmp_path: Path) -> None:
    place, rendered = _place(tmp_path), _render(tmp_path)
    (place.root / "config" / "old").mkdir(parents=True)
    (place.root / "config" / "old" / "job.json").write_text("{}", encoding="utf-8")
    driver.write(place, rendered)
    written = {str(p.relative_to(place.root)) for p in place.root.rglob("*") if p.is_file()}
    assert written == set(rendered.files)
    assert {p.stat().st_mode & 0o777 for p in place.root.rglob("*") if p.is_file()} == {0o600}
    assert not (place.root / "config" / "old").exists()
    assert driver.current(place) == rendered.description


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    place, rendered = _place(tmp_path), _render(tmp_path)
    driver.write(place, rendered)
    file = place.root / "config" / "web" / "job.json"
    os.utime(file, (1, 1))
    driver.write(place, rendered)
    assert file.stat().st_mtime == 1
