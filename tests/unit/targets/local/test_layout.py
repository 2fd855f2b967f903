from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from tests.unit.targets.local.conftest import needs_root

from tidewright import errors
from tidewright.model import values
from tidewright.targets.local import layout


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layout, "SYSTEM", tmp_path / "system")
    return tmp_path / "system"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("as_user")
def test_a_users_state_lies_beside_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    place = layout.create(tmp_path, "laptop")
    assert place.root == tmp_path / ".tidewright" / "laptop"
    assert place.account is None
    folders = (place.root.parent, place.root, *(place.root / n for n in layout.FOLDERS))
    assert {_mode(folder) for folder in folders} == {0o700}


@needs_root
def test_roots_state_lies_where_another_account_can_pass(tmp_path: Path, system: Path) -> None:
    place = layout.create(tmp_path, "laptop")
    assert place.root == system / layout.platform_id(tmp_path) / "laptop"
    assert place.account == "nobody"
    assert _mode(place.root) == _mode(place.root / "data") == 0o711
    assert _mode(place.secrets) == 0o700


@needs_root
def test_an_environments_own_group_reads_its_lake_and_nothing_else(
    tmp_path: Path, system: Path
) -> None:
    place = layout.create(tmp_path, "laptop")
    lake, other = place.root / "lake", layout.create(tmp_path, "other").root / "lake"
    assert lake.stat().st_mode & 0o7777 == 0o2750
    assert lake.stat().st_gid >= layout.READERS
    assert lake.stat().st_gid != other.stat().st_gid
    made = {p for p in place.root.iterdir() if p.stat().st_gid == lake.stat().st_gid}
    assert made == {lake}


@needs_root
def test_a_lake_from_before_is_handed_to_its_readers(tmp_path: Path, system: Path) -> None:
    place = layout.create(tmp_path, "laptop")
    lake = place.root / "lake"
    group = lake.stat().st_gid
    (lake / "bank").mkdir(mode=0o700)
    (lake / "bank" / "a.parquet").touch(mode=0o600)
    os.chown(lake, -1, 0)
    layout.create(tmp_path, "laptop")
    for found, mode in ((lake, 0o2750), (lake / "bank", 0o2750), (lake / "bank/a.parquet", 0o640)):
        assert (found.stat().st_gid, found.stat().st_mode & 0o7777) == (group, mode)


@pytest.mark.usefixtures("system")
def test_the_id_is_made_once_and_kept(tmp_path: Path) -> None:
    assert layout.platform_id(tmp_path) is None
    made = layout.make_id(tmp_path)
    assert layout.make_id(tmp_path) == layout.platform_id(tmp_path) == made


@pytest.mark.usefixtures("system")
def test_environments_are_those_with_a_folder(tmp_path: Path) -> None:
    assert layout.environments(tmp_path) == ()
    layout.create(tmp_path, "b")
    layout.create(tmp_path, "a")
    assert layout.environments(tmp_path) == ("a", "b")


@pytest.mark.usefixtures("system")
def test_remove_leaves_nothing_of_the_environment(tmp_path: Path) -> None:
    place = layout.create(tmp_path, "a")
    layout.remove(place)
    assert not place.root.exists()


def test_project_is_where_the_file_lies(tmp_path: Path) -> None:
    place = layout.Layout(tmp_path, tmp_path / "r", None)
    assert place.folder(values.Folder("project", "w.py")) == tmp_path / "w.py"
    assert place.folder(values.Folder("lake")) == tmp_path / "r" / "lake"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "local.read_only"),
        (errno.EACCES, "local.read_only"),
        (errno.ENOSPC, "local.disk_full"),
    ],
)
def test_what_the_system_refuses_names_a_way_out(number: int, code: str, tmp_path: Path) -> None:
    with pytest.raises(errors.Refused) as found, layout.refusing(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "x"))
    assert found.value.code == code
    assert found.value.finding.where.name == str(tmp_path / "x")
    assert found.value.hint


def test_another_failure_is_not_swallowed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"), layout.refusing(tmp_path):
        tmp_path.read_text(encoding="utf-8")
