"""Programs from a mirror: verified, resumed, unpacked once; and which Java is taken."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tidewright import errors
from tidewright.clients import caches, jdk, programs
from tidewright.model import components

JAR = bytes(range(256)) * 40


class Mirror(http.server.BaseHTTPRequestHandler):
    """A repository with byte ranges; ``cuts`` answers end after a few bytes."""

    files: dict[str, bytes]
    asked: list[tuple[str, str | None]]
    cuts = 0

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append((self.path, wanted))
        body = self.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        if type(self).cuts:
            type(self).cuts -= 1
            self.wfile.write(body[begin : begin + 100])
            return
        self.wfile.write(body[begin:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Mirror]]:
    class Mine(Mirror):
        files: ClassVar[dict[str, bytes]] = {}
        asked: ClassVar[list[tuple[str, str | None]]] = []

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(programs.MIRROR, f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(programs.time, "sleep", lambda seconds: None)
    yield Mine
    server.shutdown()
    server.server_close()


def locked(folder: Path, *lines: tuple[bytes, str, str], sha256: str = "") -> components.Program:
    lock = folder / "programs.lock"
    told = [
        f"{sha256 or hashlib.sha256(body).hexdigest()} {len(body)} {place} maven {coordinates}"
        for body, place, coordinates in lines
    ]
    lock.write_text("# a lock\n" + "\n".join(told) + "\n")
    return components.Program("toy", "The toy", lock)


def test_the_names_of_files_are_mavens() -> None:
    found = programs.Artifact("maven", "io.x.y:name:1.2:tar.gz:plugin", ".", 1, ("0",))
    assert found.path == "io/x/y/name/1.2/name-1.2-plugin.tar.gz"
    plain = programs.Artifact("maven", "io.x:name:1", ".", 1, ("0",))
    assert plain.path == "io/x/name/1/name-1.jar"
    typed = programs.Artifact("maven", "io.x:name:1:zip", ".", 1, ("0",))
    assert typed.file == "name-1.zip"


def test_a_program_is_fetched_once(tmp_path: Path, mirror: type[Mirror]) -> None:
    mirror.files["/a/b/1/b-1.jar"] = JAR
    program = locked(tmp_path, (JAR, "lib", "a:b:1"))
    assert programs.missing(program)
    said: list[str] = []
    programs.install(program, said.append)
    assert (programs.home(program) / "lib" / "b-1.jar").read_bytes() == JAR
    assert not programs.missing(program) and "Fetching The toy" in said[0]
    mirror.files.clear()
    programs.install(program, said.append)
    assert len(said) == 2


def test_a_transfer_goes_on_where_it_was_cut(tmp_path: Path, mirror: type[Mirror]) -> None:
    mirror.files["/a/b/1/b-1.jar"] = JAR
    mirror.cuts = 2
    program = locked(tmp_path, (JAR, "lib", "a:b:1"))
    programs.install(program, lambda line: None)
    assert (programs.home(program) / "lib" / "b-1.jar").read_bytes() == JAR
    assert [wanted for _, wanted in mirror.asked] == [None, "bytes=100-", "bytes=200-"]


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path, mirror: type[Mirror]) -> None:
    mirror.files["/a/b/1/b-1.jar"] = JAR
    program = locked(tmp_path, (JAR, "lib", "a:b:1"), sha256="0" * 64)
    with pytest.raises(errors.Refused) as caught:
        programs.install(program, lambda line: None)
    assert caught.value.finding.code == "local.program_checksum"
    assert programs.missing(program)
    assert list(caches.cache("downloads").iterdir()) == []


def test_a_file_that_nobody_has_is_named(tmp_path: Path, mirror: type[Mirror]) -> None:
    program = locked(tmp_path, (JAR, "lib", "a:b:1"))
    with pytest.raises(errors.StepFailed) as caught:
        programs.install(program, lambda line: None)
    assert caught.value.finding.code == "local.program_failed"
    assert "a:b:1" in caught.value.finding.what and "404" in caught.value.finding.what
    assert programs.missing(program)


def test_archives_are_unpacked_and_keep_what_may_run(tmp_path: Path, mirror: type[Mirror]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("inside/file")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"ok"))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        run = zipfile.ZipInfo("bin/run")
        run.external_attr = 0o100755 << 16
        archive.writestr(run, "#!")
    mirror.files["/a/b/1/b-1.tar.gz"] = packed.getvalue()
    mirror.files["/a/c/1/c-1.zip"] = zipped.getvalue()
    program = locked(
        tmp_path, (packed.getvalue(), ".", "a:b:1:tar.gz"), (zipped.getvalue(), "x", "a:c:1:zip")
    )
    programs.install(program, lambda line: None)
    home = programs.home(program)
    assert (home / "inside" / "file").read_text() == "ok"
    assert os.access(home / "x" / "bin" / "run", os.X_OK)


def test_no_room_is_said_before_anything_is_fetched(
    tmp_path: Path, mirror: type[Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = locked(tmp_path, (JAR, "lib", "a:b:1"))
    usage = programs.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(programs.shutil, "disk_usage", lambda place: usage._replace(free=10))
    with pytest.raises(errors.Refused) as caught:
        programs.install(program, lambda line: None)
    assert caught.value.finding.code == "local.disk_full" and mirror.asked == []


# -- Java ------------------------------------------------------------------------------------------


def runtime(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("#!")
    (folder / "bin" / "java").chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> components.Java:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(jdk, "_PLACES", (str(tmp_path / "jvm"),))
    monkeypatch.setattr(jdk.shutil, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    lock = tmp_path / "programs.lock"
    lock.write_text("")
    return components.Java("jdk-x", 17, 21, components.Program("pinned", "Java", lock), "inside")


@pytest.mark.parametrize(("version", "fits"), [("17.0.1", True), ("21", True), ("16", False),
                                               ("25.0.2", False), ("1.8.0", False)])  # fmt: skip
def test_a_java_of_the_machine_is_taken_when_it_fits(
    tmp_path: Path, java: components.Java, version: str, fits: bool
) -> None:
    runtime(tmp_path / "jvm" / "one", version)
    made = programs.home(java.pinned) / "inside"
    jdk.ensure(java, lambda line: None)
    link = (caches.cache("programs") / "jdk-x").readlink()
    assert link == (tmp_path / "jvm" / "one" if fits else made)


def test_a_java_that_went_away_is_replaced(tmp_path: Path, java: components.Java) -> None:
    one = runtime(tmp_path / "jvm" / "one", "17")
    jdk.ensure(java, lambda line: None)
    one.rename(tmp_path / "jvm" / "two")
    jdk.ensure(java, lambda line: None)
    assert (caches.cache("programs") / "jdk-x").readlink() == tmp_path / "jvm" / "two"
