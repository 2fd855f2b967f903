"""A platform file with one thing more: every other byte, comments too, stays as it is.

Lines are put where positions say, and the outcome is read again: it has to be the old data and the
addition, nothing else. Where lines cannot be put (a list in brackets), ruamel's round trip writes
the file anew, with its comments, and is held to the same.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tidewright.spec import checks, tree, written

NAME = "platform.yaml"


class NoPlace(Exception):
    """The file has no place where the addition surely belongs; ``lines`` are what to put in."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


@dataclass(frozen=True, slots=True)
class Step:
    """A step that brings rows in; it goes behind the last one of those. ``comment`` above it."""

    body: Mapping[str, Any]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a map that is there; ``path`` leads to the map. A map that is not is made."""

    path: tree.Path
    key: str
    value: Any


Addition = Step | Entry


def text(before: str, additions: Iterable[Addition]) -> str:
    """The file with all of them. Raises NoPlace."""
    for addition in additions:
        before = _one(before, addition)
    return before


def _one(before: str, addition: Addition) -> str:
    root = tree.parse(before, NAME).root
    if not isinstance(root, tree.Fields):
        raise NoPlace(_lines(addition, 0))
    wanted = copy.deepcopy(tree.plain(root))
    _put(wanted, addition)
    for way in (_lines_put, _round_trip):
        after = way(before, root, addition)
        if after is not None and _reads(after) == wanted:
            return after
    raise NoPlace(_lines(addition, 2 if isinstance(addition, Step) else 0))


def _reads(text: str) -> Any:
    parsed = tree.parse(text, NAME)
    return None if parsed.root is None or parsed.findings else tree.plain(parsed.root)


def _put(data: Any, addition: Addition) -> None:
    """The addition in plain data, or in what ruamel's round trip made of the file."""
    if isinstance(addition, Step):
        flow = data["flow"]
        flow.insert(_behind(flow), addition.body)
        return
    at = data
    for part in addition.path:
        if isinstance(part, str) and part not in at:
            at[part] = {}
        at = at[part]
    at[addition.key] = addition.value


def _behind(flow: Iterable[Any]) -> int:
    """Behind the last step that brings rows in; at the front when there is none."""
    found = [n for n, step in enumerate(flow, 1) if checks.RANK.get(next(iter(step), "")) == 0]
    return found[-1] if found else 0


# -- lines --------------------------------------------------------------------------------------


def _lines_put(before: str, root: tree.Fields, addition: Addition) -> str | None:
    end = "\r\n" if "\r\n" in before else "\n"
    lines = before.replace("\r\n", "\n").split("\n")
    if lines[-1] != "":
        lines.append("")
    place = _step_place if isinstance(addition, Step) else _entry_place
    found = place(lines, root, addition)
    if found is None:
        return None
    at, news = found
    return end.join([*lines[:at], *news, *lines[at:]])


def _step_place(
    lines: list[str], root: tree.Fields, addition: Addition
) -> tuple[int, list[str]] | None:
    """Behind a step of the flow, where each step begins with a dash in a line of its own."""
    entry = root.entries.get("flow")
    if entry is None or not isinstance(entry.node, tree.Items) or not entry.node.items:
        return None
    marks = [item.mark for item in entry.node.items]
    heads = {lines[m.line - 1][: m.column - 1] for m in marks}
    if any(head.strip() != "-" for head in heads):
        return None
    dash = min(head.index("-") for head in heads)
    behind = _behind(tree.plain(entry.node))
    at = entry.mark.line if not behind else _end(lines, marks[behind - 1].line, dash)
    return at, _lines(addition, dash)


def _entry_place(
    lines: list[str], root: tree.Fields, addition: Addition
) -> tuple[int, list[str]] | None:
    """Behind the last key of a map, where each key begins a line; or before the flow, as a map."""
    assert isinstance(addition, Entry)
    node: tree.Node | None = root
    for part in addition.path:
        node = _child(node, part)
    if node is None and len(addition.path) == 1:
        at = root.entries["flow"].mark.line - 1 if "flow" in root.entries else len(lines) - 1
        while at > 0 and lines[at - 1].startswith("#"):
            at -= 1
        whole = {str(addition.path[0]): {addition.key: addition.value}}
        return at, [*written.block(whole, 0), ""]
    if not isinstance(node, tree.Fields) or not node.entries:
        return None
    last = max(node.entries.values(), key=lambda e: e.mark.line)
    if lines[last.mark.line - 1][: last.mark.column - 1].strip():
        return None
    indent = last.mark.column - 1
    return _end(lines, last.mark.line, indent), _lines(addition, indent)


def _child(node: tree.Node | None, part: str | int) -> tree.Node | None:
    if isinstance(node, tree.Fields) and isinstance(part, str) and part in node.entries:
        return node.entries[part].node
    if isinstance(node, tree.Items) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def _end(lines: list[str], first: int, indent: int) -> int:
    """How many lines there are up to the end of what begins in line ``first`` at ``indent``."""
    end = first
    for number in range(first, len(lines)):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(line) - len(line.lstrip()) <= indent:
            break
        end = number + 1
    return end


def _lines(addition: Addition, indent: int) -> list[str]:
    if isinstance(addition, Entry):
        return list(written.block({addition.key: addition.value}, indent))
    above = [f"{' ' * indent}# {addition.comment}"] if addition.comment else []
    return [*above, *written.item(addition.body, indent)]


# -- the round trip -----------------------------------------------------------------------------


def _round_trip(before: str, _: tree.Fields, addition: Addition) -> str | None:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4096
    out = io.StringIO()
    try:
        data = yaml.load(before)
        _put(data, addition)
        yaml.dump(data, out)
    except (YAMLError, KeyError, TypeError, AttributeError, ValueError):
        return None
    return out.getvalue()
