"""YAML text as a tree in which everything knows its line and column.

Plain YAML only: maps, lists and scalars. Tags, anchors, aliases, merge keys and a second document
are findings, since each can hide what a file says. Nothing is interpolated. Types and meaning
come later, in ``models``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tidewright import errors

LARGEST = 256 * 1024
DEEPEST = 24
Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the file, 1-based."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Leaf:
    mark: Mark
    value: Scalar


@dataclass(frozen=True, slots=True)
class Items:
    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map: where the key stands, and its value."""

    mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Fields:
    mark: Mark
    entries: Mapping[str, Entry]


Node: TypeAlias = Leaf | Items | Fields


@dataclass(frozen=True, slots=True)
class Parsed:
    """The tree, or None when the text is no YAML at all, and what is wrong with it."""

    root: Node | None
    findings: tuple[errors.Finding, ...]


def parse(text: str, name: str) -> Parsed:
    """Read one document. ``name`` is how findings call the file."""
    builder = _Builder(name)
    if len(text) > LARGEST:
        where = errors.Where(name)
        what = f"the file has {len(text):,} characters; {LARGEST:,} is the most"
        finding = errors.Finding("file.too_large", what, where, "Move data out of the file.")
        return Parsed(None, (finding,))
    try:
        root = builder.document(iter(YAML(typ="safe", pure=True).parse(text)))
    except YAMLError as reason:
        return Parsed(None, (*builder.findings, _syntax(reason, name)))
    return Parsed(root, tuple(builder.findings))


def at(root: Node, path: Path) -> Mark:
    """The place of ``path``, or of the nearest thing above it that exists; a key's is the key."""
    mark, node = root.mark, root
    for part in path:
        if isinstance(node, Fields) and isinstance(part, str) and part in node.entries:
            mark, node = node.entries[part].mark, node.entries[part].node
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
    return mark


def plain(node: Node) -> Any:
    """The tree as ordinary dicts, lists and scalars."""
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, Items):
        return [plain(n) for n in node.items]
    return {key: plain(entry.node) for key, entry in node.entries.items()}


@dataclass(slots=True)
class _Builder:
    name: str
    findings: list[errors.Finding] = field(default_factory=list)
    depth: int = 0

    def document(self, stream: Iterator[Any]) -> Node | None:
        root: Node | None = None
        for event in stream:
            if isinstance(event, events.DocumentStartEvent):
                if root is not None:
                    self._refuse(event, "a second document starts here", "Keep one file for each.")
                    return root
                root = self._node(next(stream), stream)
        return root

    def _node(self, event: Any, stream: Iterator[Any]) -> Node:
        mark = _mark(event)
        self._plain_only(event)
        if isinstance(event, events.ScalarEvent):
            return Leaf(mark, _scalar(event))
        if isinstance(event, events.AliasEvent):
            return Leaf(mark, None)
        self.depth += 1
        if self.depth > DEEPEST:
            raise MarkedYAMLError(None, None, f"nested deeper than {DEEPEST}", event.start_mark)
        node = self._items(mark, stream) if _is_list(event) else self._fields(mark, stream)
        self.depth -= 1
        return node

    def _items(self, mark: Mark, stream: Iterator[Any]) -> Items:
        items: list[Node] = []
        while not isinstance(event := next(stream), events.SequenceEndEvent):
            items.append(self._node(event, stream))
        return Items(mark, tuple(items))

    def _fields(self, mark: Mark, stream: Iterator[Any]) -> Fields:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(stream), events.MappingEndEvent):
            place, key = _mark(event), self._node(event, stream)
            value = self._node(next(stream), stream)
            if not isinstance(event, events.ScalarEvent) or not isinstance(key, Leaf):
                self._refuse(event, "a key is not a plain word", "Write `word: value`.")
            elif event.value == "<<":
                self._refuse(event, "merge keys are not read", "Write the keys out.")
            elif event.value in entries:
                self._duplicate(event.value, place, entries[event.value].mark)
            else:
                entries[event.value] = Entry(place, value)
        return Fields(mark, entries)

    def _plain_only(self, event: Any) -> None:
        if isinstance(event, events.AliasEvent):
            self._refuse(event, f"the alias *{event.anchor} is not read", "Write the value out.")
        elif event.anchor is not None:
            self._refuse(event, f"the anchor &{event.anchor} is not read", "Leave it out.")
        elif event.tag is not None:
            self._refuse(event, f"the tag {event.tag} is not read", "Leave it out.")

    def _refuse(self, event: Any, what: str, hint: str) -> None:
        self._add("file.yaml_feature", what, _mark(event), hint)

    def _duplicate(self, key: str, mark: Mark, first: Mark) -> None:
        what = f"the key {key} is here a second time; the first is in line {first.line}"
        self._add("file.duplicate_key", what, mark, "Keep one of them.")

    def _add(self, code: str, what: str, mark: Mark, hint: str) -> None:
        where = errors.Where(self.name, mark.line, mark.column)
        self.findings.append(errors.Finding(code, what, where, hint))


def _is_list(event: Any) -> bool:
    return isinstance(event, events.SequenceStartEvent)


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _scalar(event: Any) -> Scalar:
    """YAML 1.2's own words and numbers; anything quoted is text."""
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 20 else text
    return float(text) if _FLOAT.fullmatch(text) else text


def _syntax(reason: YAMLError, name: str) -> errors.Finding:
    mark = getattr(reason, "problem_mark", None)
    problem = getattr(reason, "problem", None) or "it holds characters that YAML does not allow"
    where = errors.Where(name, mark.line + 1, mark.column + 1) if mark else errors.Where(name)
    hint = "Check quotes, brackets and indentation at this place and in the line above it."
    return errors.Finding("file.yaml", f"this is not YAML: {problem}", where, hint)
