"""Golden trees: a file in, what is assembled and rendered out, byte for byte.

``TIDEWRIGHT_GOLDEN=write`` (``just golden``) rewrites tests/cases; read the difference.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tidewright.assemble import build
from tidewright.clients import pgserver
from tidewright.model import codec
from tidewright.model import platform as nouns
from tidewright.spec import load
from tidewright.targets.local import layout, render, resolve

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
NAMES = sorted(p.name for p in CASES.iterdir() if p.is_dir())
PLACE = layout.Layout(
    Path("/place/project"), Path("/place/state"), "nobody", Path("/place/programs")
)


def source(name: str) -> Path:
    own = CASES / name / "platform.yaml"
    return own if own.exists() else ROOT / "examples" / name / "platform.yaml"


def made(name: str) -> Mapping[str, str]:
    """Everything expected of a case: path below ``expected`` -> text."""
    platform = build.build(load.load(source(name)))
    files = {"model.json": codec.pretty(platform)}
    for path, text in rendered(platform).items():
        body = json.dumps(json.loads(text), indent=2) + "\n" if path.endswith(".json") else text
        files[f"local/{path}"] = body
    return {path: without_this_machine(text) for path, text in files.items()}


def rendered(platform: nouns.Platform) -> Mapping[str, str]:
    named = [f"{s.name}.{port}" for s in platform.services for port in s.ports]
    numbers = {name: 5000 + i for i, name in enumerate(sorted(named))}
    return render.render(platform, resolve.Resolver(PLACE, numbers)).files


def without_this_machine(text: str) -> str:
    for path, word in ((pgserver.home(), "<postgres>"), (sys.executable, "<python>")):
        text = text.replace(str(path), word)
    return text


def stable(path: str, text: str) -> str:
    """Digests depend on the interpreter's path; what they are made of is compared anyway."""
    if not path.endswith("services.json"):
        return text
    described = json.loads(text)
    for unit in described["units"]:
        unit["files_digest"] = unit["job_digest"] = "..."
    return json.dumps(described, indent=2) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    folder = CASES / name / "expected"
    found = {path: stable(path, text) for path, text in made(name).items()}
    if os.environ.get("TIDEWRIGHT_GOLDEN") == "write":
        rewrite(folder, found)
    committed = {
        str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()
    }
    assert sorted(committed) == sorted(found)
    for path, text in found.items():
        assert committed[path] == text, f"{path} changed: just golden, and read the difference"


def rewrite(folder: Path, files: Mapping[str, str]) -> None:
    for old in [p for p in folder.rglob("*") if p.is_file()]:
        old.unlink()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_this_machine_is_in_a_case(name: str) -> None:
    text = "".join(made(name).values())
    assert str(ROOT) not in text
    assert str(Path.home()) not in text
