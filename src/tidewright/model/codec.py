"""The one codec between frozen nouns and canonical, versioned JSON.

Canonical: keys sorted, no spaces that carry no meaning, UTF-8, one newline at the end. A union of
records is told apart by ``"is": "<class name>"``, written only where the type is a union.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Replace = Callable[[object], object]


def dumps(value: object) -> str:
    """Canonical JSON text of a noun, for a file or a digest."""
    text = json.dumps(encode(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text + "\n"


def pretty(value: object) -> str:
    """The same content, indented for a person."""
    return json.dumps(encode(value), sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def loads(kind: type[T], text: str) -> T:
    """Read what ``dumps`` wrote. Raises ValueError or TypeError when the text is not a ``kind``."""
    try:
        found: T = decode(kind, json.loads(text))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def encode(value: Any) -> Any:
    """Records, tuples and mappings as JSON values. Records always carry their class name."""
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: encode(getattr(value, f.name)) for f in fields(value)}
        return {"is": type(value).__name__, **body}
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [encode(v) for v in value]
    return value


def transform(value: Any, replace: Replace) -> Any:
    """A copy of a noun with ``replace`` applied to every record below it, outermost first.

    ``replace`` returns its argument unchanged to descend into it.
    """
    new = replace(value)
    if new is not value:
        return new
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: transform(getattr(value, f.name), replace) for f in fields(value)}
        return type(value)(**body)
    if isinstance(value, Mapping):
        return {k: transform(v, replace) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return tuple(transform(v, replace) for v in value)
    return value


def decode(kind: Any, data: Any) -> Any:
    """The noun of type ``kind`` that ``data`` (JSON values) describes."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), data)
    if origin is tuple:
        return _decode_tuple(get_args(kind), data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        _expect(isinstance(data, Mapping), kind, data)
        return {k: decode(get_args(kind)[1], v) for k, v in data.items()}
    if origin is Literal:
        return _expect(data in get_args(kind), kind, data)
    if is_dataclass(kind):
        return _decode_record(kind, data)
    return _decode_plain(kind, data)


def _decode_record(kind: Any, data: Any) -> Any:
    _expect(isinstance(data, dict) and data.get("is", kind.__name__) == kind.__name__, kind, data)
    hints = _hints(kind)
    return kind(**{name: decode(hints[name], v) for name, v in data.items() if name in hints})


def _decode_union(options: tuple[Any, ...], data: Any) -> Any:
    for option in options:
        if is_dataclass(option):
            if isinstance(data, dict) and data.get("is") == getattr(option, "__name__", None):
                return _decode_record(option, data)
        elif _fits(option, data):
            return decode(option, data)
    raise ValueError(f"{data!r} is none of {options}")


def _decode_tuple(args: tuple[Any, ...], data: Any) -> Any:
    _expect(isinstance(data, list), "a list", data)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(decode(args[0], v) for v in data)
    return tuple(decode(a, v) for a, v in zip(args, data, strict=True))


def _decode_plain(kind: Any, data: Any) -> Any:
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    return _expect(kind in (Any, object) or _fits(kind, data), kind, data)


def _fits(kind: Any, data: Any) -> bool:
    if kind is type(None) or kind is None:
        return data is None
    if get_origin(kind) is Literal:
        return data in get_args(kind)
    plain = get_origin(kind) or kind
    if plain is float:
        return isinstance(data, int | float) and not isinstance(data, bool)
    if plain is int:
        return isinstance(data, int) and not isinstance(data, bool)
    if plain is tuple:
        return isinstance(data, list)
    return isinstance(data, plain) if isinstance(plain, type) else True


def _expect(ok: bool, kind: Any, data: Any) -> Any:
    if not ok:
        raise ValueError(f"{data!r} is not {kind}")
    return data


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)
