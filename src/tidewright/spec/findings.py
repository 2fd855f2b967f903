"""Typed models from the tree: every problem at once, each at its line and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tidewright import errors
from tidewright.spec import fields, tree

M = TypeVar("M", bound=BaseModel)
_TYPES = {
    "string_type": "text", "dict_type": "a map", "model_type": "a map",
    "model_attributes_type": "a map", "list_type": "a list", "int_type": "a whole number",
    "float_type": "a number", "bool_type": "true or false",
}  # fmt: skip


@dataclass(slots=True)
class Reporter:
    """Collects findings of one file."""

    name: str
    found: list[errors.Finding] = field(default_factory=list)
    _noted: set[errors.Finding] = field(default_factory=set)

    def add(self, code: str, what: str, mark: tree.Mark | None, hint: str) -> None:
        """Note a finding once; the same one seen in two environments is one finding."""
        place = (mark.line, mark.column) if mark else (None, None)
        finding = errors.Finding(code, what, errors.Where(self.name, *place), hint)
        if finding not in self._noted:
            self._noted.add(finding)
            self.found.append(finding)

    def guessed(self, key: str) -> bool:
        """Whether some unknown key was taken for ``key``."""
        hint = f"Did you mean {key}?"
        return any(f.code == "file.unknown_key" and f.hint.startswith(hint) for f in self.found)


def typed(
    model: type[M], root: tree.Fields, report: Reporter, later: Mapping[str, str]
) -> M | None:
    """The typed model, or None with findings. ``later``: known keys that do nothing yet."""
    data = _Plain().value(root)
    context = {"unknown": _unknown_keys(data.maps, report, later)}
    try:
        return model.model_validate(data.root, context=context)
    except ValidationError as reason:
        for detail in reason.errors(include_url=False):
            _report(detail, root, report)
        return None


@dataclass(slots=True)
class _Plain:
    """Plain data beside a way back from each of its maps to the tree."""

    maps: dict[int, tree.Fields] = field(default_factory=dict)
    root: Any = None

    def value(self, node: tree.Node) -> _Plain:
        self.root = self._plain(node)
        return self

    def _plain(self, node: tree.Node) -> Any:
        match node:
            case tree.Leaf():
                return node.value
            case tree.Items():
                return [self._plain(n) for n in node.items]
        made = {key: self._plain(entry.node) for key, entry in node.entries.items()}
        self.maps[id(made)] = node
        return made


def _unknown_keys(
    maps: Mapping[int, tree.Fields], report: Reporter, later: Mapping[str, str]
) -> Any:
    def unknown(data: dict[str, Any], key: str, known: Sequence[str]) -> None:
        node = maps.get(id(data))
        mark = node.entries[key].mark if node else None
        if key in later:
            what = f"{key} ({later[key]}) is not supported yet"
            hint = "Leave it out for now; ROADMAP.md says when it comes."
            report.add("file.not_yet", what, mark, hint)
        else:
            what = f"the key {key} is unknown"
            report.add("file.unknown_key", what, mark, fields.suggestion(key, known))

    return unknown


def _report(detail: ErrorDetails, root: tree.Fields, report: Reporter) -> None:
    mark = tree.at(root, detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    key = str(detail["loc"][-1]) if detail["loc"] else "the file"
    if kind.startswith("file."):
        report.add(kind, str(context["what"]), mark, str(context["hint"]))
    elif kind == "missing" and report.guessed(key):
        return  # the misspelt key was already reported
    elif kind == "missing":
        report.add("file.missing_key", f"the key {key} is missing here", mark, f"Add {key}: ...")
    elif kind in _TYPES:
        given = _given(detail["input"])
        hint = f"Write {_TYPES[kind]} after {key}."
        report.add("file.wrong_type", f"{key} needs {_TYPES[kind]}, not {given}", mark, hint)
    elif kind == "literal_error":
        what = f"{detail['input']!r} is not a value for {key}"
        report.add("file.wrong_value", what, mark, f"Write {context['expected']}.")
    elif kind == "too_short":
        report.add("file.wrong_value", f"{key} is empty", mark, "Name at least one.")
    else:
        report.add(
            "file.wrong_value", f"{key}: {detail['msg']}", mark, "See docs/reference/file.md."
        )


def _given(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a map"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return "text"
    return repr(value)
