from __future__ import annotations

from pathlib import Path

from tidewright.targets.local import programs


def _install(folder: Path, text: str = "#!/bin/sh\necho hello\n") -> Path:
    program = folder / "pg" / "bin" / "server"
    program.parent.mkdir(parents=True)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o700)
    (folder / "pg" / "share").mkdir()
    (folder / "pg" / "share" / "data").write_text("x", encoding="utf-8")
    return program


def test_what_everybody_can_run_stays_where_it_is(tmp_path: Path) -> None:
    assert programs.reachable("/bin/sh", tmp_path) == "/bin/sh"
    assert programs.reachable("rm", tmp_path) == "rm"


def test_the_whole_installation_is_copied_once_for_everybody(tmp_path: Path) -> None:
    program = _install(tmp_path)
    copies = tmp_path / "copies"
    found = Path(programs.reachable(str(program), copies))
    assert found.relative_to(copies).parts[2:] == ("pg", "bin", "server")
    assert found.read_text(encoding="utf-8") == program.read_text(encoding="utf-8")
    assert (found.parent.parent / "share" / "data").stat().st_mode & 0o004
    assert found.stat().st_mode & 0o005
    before = found.stat().st_ino
    assert Path(programs.reachable(str(program), copies)).stat().st_ino == before


def test_the_libraries_beside_the_package_go_along(tmp_path: Path) -> None:
    program = _install(tmp_path / "package")
    library = tmp_path / "package.libs" / "lib.so"
    library.parent.mkdir()
    library.write_text("x", encoding="utf-8")
    found = Path(programs.reachable(str(program), tmp_path / "copies"))
    copied = found.parents[3] / "package.libs" / "lib.so"
    assert copied.stat().st_mode & 0o004


def test_another_version_gets_a_copy_of_its_own(tmp_path: Path) -> None:
    program, copies = _install(tmp_path), tmp_path / "copies"
    first = programs.reachable(str(program), copies)
    program.write_text("#!/bin/sh\necho longer than before\n", encoding="utf-8")
    assert programs.reachable(str(program), copies) != first
