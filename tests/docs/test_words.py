"""Pages and code hold together: links lead somewhere, named commands and options exist."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidewright.cli import commands

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"")
COMMAND = re.compile(r"(?:^\$ |`|^)(?:\./|\.\./)?tidewright +([a-z]+)([^`\n#]*)", re.MULTILINE)
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
OWN_VERBS = {"test", "setup"}  # of the launcher


def ident(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(text: str) -> str:
    """Fenced blocks and inline code, where commands are commands."""
    found = re.findall(r"```[a-z]*\n(.*?)```|(`[^`\n]+`)", text, re.DOTALL)
    return "\n".join(block or inline for block, inline in found)


@pytest.mark.parametrize("page", PAGES, ids=ident)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = [a or b for a, b in LINK.findall(page.read_text())]
    local = [t for t in targets if "://" not in t and not t.startswith("mailto:")]
    assert [t for t in local if not (page.parent / t).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=ident)
def test_anchors_lead_to_headings(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text()):
        there = (page.parent / target) if target else page
        headings = [slug(h) for h in HEADING.findall(there.read_text())]
        assert anchor in headings, f"{target}#{anchor}"


def slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def options_of(verb: str) -> set[str]:
    command = importlib.import_module(commands.VERBS[verb].module).command
    every = [command, *getattr(command, "commands", {}).values()]
    return {o for c in every for p in c.params for o in [*p.opts, *p.secondary_opts]} | {"--help"}


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    for verb, rest in COMMAND.findall(code_of(text)):
        words = re.sub(r"\"[^\"]*\"", "", rest).split()
        yield verb, [w.partition("=")[0] for w in words if w.startswith("-")]


@pytest.mark.parametrize("page", PAGES, ids=ident)
def test_commands_and_options_exist(page: Path) -> None:
    for verb, options in commands_in(page.read_text()):
        if verb in OWN_VERBS:
            continue
        assert verb in commands.VERBS, f"there is no verb {verb}"
        assert set(options) <= options_of(verb), f"{verb} has no {options}"


def test_every_page_under_docs_is_linked_from_somewhere() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for pair in LINK.findall(page.read_text())
        if "://" not in (target := pair[0] or pair[1])
    }
    alone = [p for p in (ROOT / "docs").rglob("*.md") if p.resolve() not in linked]
    assert sorted(map(ident, alone)) == []


def test_no_page_names_a_place_on_our_machine() -> None:
    private = re.compile(r"/(?:root|work|home|tmp)/[a-z]")
    files = [p for p in PAGES if "decisions" not in p.parts]
    assert [ident(p) for p in files if private.search(p.read_text())] == []


def test_lock_files_name_no_address() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text()
        assert "--hash=sha256:" in lock.read_text()
