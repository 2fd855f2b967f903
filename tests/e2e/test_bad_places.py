"""Sources, disks, folders and files that are not as they should be: what the user then reads."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bank import Bank
from tidewright.testing.postgres import TempPostgres

PLATFORM = """\
tidewright: 0
platform: shop
sources:
  shop: {postgres: {url: {secret: shop_url}}}
flow:
  - capture: {from: shop, tables: [public.orders]}
run:
  laptop: embedded
"""
SCHEMA = """
create table orders (id int primary key, price numeric(10, 2));
insert into orders select g, g from generate_series(1, 1000) g;
"""
SHORT = ("up", "--timeout", "7")


# -- a source of the user's own --------------------------------------------------------------------


@contextlib.contextmanager
def source(**settings: str) -> Iterator[TempPostgres]:
    with TempPostgres(settings) as made:
        made.create("shop").execute(SCHEMA).connection.close()
        yield made


def url(server: TempPostgres, password: str | None = None, port: int | None = None) -> str:
    word = server.password if password is None else password
    return f"postgres://postgres:{word}@127.0.0.1:{port or server.port}/shop?sslmode=disable"


def refused(bank: Bank, code: str, *words: str, wait: bool = False) -> None:
    """``up`` gives up with this code, and ``status`` has the same words.

    ``wait``: what is missing may come by itself, so that ``up`` waits for it as long as it may.
    """
    done = bank.run(*SHORT) if wait else bank.run("up")
    assert done.returncode == (6 if wait else 5), done.stderr
    for word in (f"[{code}]", *words):
        assert word in done.stderr, done.stderr
    assert ("[local.not_healthy]" in done.stderr) == wait, done.stderr
    assert bank.status()["state"] == "degraded"
    assert f"[{code}]" in bank.message("capture")


def test_an_own_source_that_is_not_ready_is_named_until_it_is() -> None:
    with Bank(example=None) as bank, source(wal_level="replica") as poor, source() as good:
        (bank.folder / "platform.yaml").write_text(PLATFORM)
        missing = bank.run("up")
        assert missing.returncode == 4
        assert "[vault.missing]" in missing.stderr
        assert "tidewright connect --set-secret shop_url" in missing.stderr
        bank.secret("shop_url", url(good, port=9))
        refused(bank, "source.unreachable", "127.0.0.1:9/shop", "Start it", wait=True)
        bank.secret("shop_url", url(good, password="wrong"))
        refused(bank, "source.password", f"127.0.0.1:{good.port}/shop", "--set-secret shop_url")
        bank.secret("shop_url", url(poor))
        refused(bank, "source.wal_level", "alter system set wal_level = 'logical'")
        assert bank.run("stop").returncode == 0
        bank.secret("shop_url", url(good))
        bank.up()
        bank.exact()
        assert bank.run("destroy", "--yes").returncode == 0


# -- a disk that is full ---------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of its own at ``folder``. Only root may make one."""
    for place in reversed((folder, *folder.parents)):
        place.mkdir(mode=0o711, exist_ok=True)
    options = f"size={megabytes}m,mode=711"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Somebody's file takes what is left; then it is gone again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    try:
        yield
    finally:
        ballast.unlink()


def test_a_full_disk_under_the_lake_is_named_and_passes() -> None:
    """Once while the tables are copied, and once while they are followed."""
    with Bank() as bank, small_disk(bank.root / "lake", 64):
        bank.up()
        for _ in range(2):
            with full(bank.root / "lake"):
                status = bank.wait_says("capture", "[lake.disk_full]", 20)
                assert "stopped" not in {f["state"] for f in status["flows"]}
                assert "Free space" in bank.message("capture")
                assert "No space left" in bank.run("status").stdout
            bank.wait_well()
            bank.exact()
        bank.leave()


def names_the_disk(status: dict[str, Any]) -> bool:
    told = {s["message"] for s in status["services"]}
    named = any("is full" in t or "is the disk full" in t for t in told)
    return status["state"] == "degraded" and named


def test_a_disk_full_for_everything_is_named_and_passes() -> None:
    """Nothing at all can be written: neither WAL, nor logs, nor what the status is read from."""
    with Bank() as bank, small_disk(bank.root, 700):
        bank.up()
        with full(bank.root):
            # Whoever notices it first may only repeat the system's words; it is named soon after.
            bank.wait("it is named", names_the_disk, 40)
            assert bank.run("verify").returncode in (4, 5, 6)
        bank.wait_well(90)
        bank.exact()
        bank.leave()


# -- folders and files -----------------------------------------------------------------------------


def test_a_read_only_folder_is_named() -> None:
    with Bank() as bank, read_only(bank.folder) as folder:
        bank.folder = folder
        done = bank.run("up")
        assert done.returncode == 4, done.stderr
        assert "[local.read_only]" in done.stderr
        assert "Copy the folder" in done.stderr


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A copy without an id that cannot be written to, whoever we are."""
    copy = folder / "copy"
    copy.mkdir()
    (copy / "platform.yaml").write_text(PLATFORM)
    if os.geteuid() != 0:
        copy.chmod(0o555)
        yield copy
        return
    bound = ["mount", "--bind", "-o", "ro", str(copy), str(copy)]
    done = subprocess.run(bound, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        yield copy
    finally:
        subprocess.run(["umount", "-l", str(copy)], check=True)


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda text: text.replace("flow:", "flow: ["), "file.yaml"),
        (lambda text: text.replace("platform: bank", "platfrom: bank"), "file.unknown_key"),
        (lambda text: text.replace("30s", "30 parsecs"), "file.wrong_unit"),
    ],
)
def test_a_broken_file_is_named_with_its_line(break_it: Callable[[str], str], code: str) -> None:
    with Bank() as bank:
        file = bank.folder / "platform.yaml"
        file.write_text(break_it(file.read_text()))
        for verb in ("check", "up"):
            done = bank.run(verb)
            assert done.returncode == 2, done.stderr
            assert f"[{code}]" in done.stderr, done.stderr
            assert "platform.yaml:" in done.stderr
