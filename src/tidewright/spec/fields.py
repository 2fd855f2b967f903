"""The types of single values in the file, each with its own sentence when it is wrong.

``Strict`` is the base of every map: an unknown key is a finding of its own, with the nearest
known one, and never hides what else is wrong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tidewright.kit import quantity

WORD = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")
MODEL = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
# As the database has them, without the quotes of SQL. The first dot ends the schema.
TABLE = re.compile(r"[^.\u0000-\u001f\u007f]+\.[^\u0000-\u001f\u007f]+")
COLUMN = re.compile(r"[^\u0000-\u001f\u007f]+")
AIRBYTE = re.compile(r"source-[a-z0-9-]+(==[0-9][A-Za-z0-9.]*)?")
# A package of PyPI, never an address: with extras and one version, if wanted.
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?(==[0-9][A-Za-z0-9.]*)?")
STREAM = re.compile(r"[A-Za-z_][A-Za-z0-9_$.-]*")
TOPIC = re.compile(r"[a-z][a-z0-9_]*")
# A property of an event: a word, since it becomes a column of several engines.
PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
URL_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
SECRET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
LONGEST_NAME = 40
LONGEST_OF_POSTGRES = 63  # bytes


def wrong(code: str, what: str, hint: str) -> PydanticCustomError:
    """A finding as pydantic carries it; ``findings`` turns it back."""
    escape = {"what": what, "hint": hint}
    return PydanticCustomError(code, "{what}", escape)


def not_in_clear(what_stands: str, key: str) -> Callable[[Any], Any]:
    """A validator for ``key: {secret: NAME}`` that refuses a text, which may be the secret itself
    and so is not repeated.
    """

    def check(value: Any) -> Any:
        if isinstance(value, str):
            what = f"{what_stands} here in clear text; only the name of a secret may"
            hint = f"Write {key}: {{secret: NAME}}, then: tidewright connect --set-secret NAME"
            raise wrong("file.secret_in_clear", what, hint)
        return value

    return check


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word."""
    words = list(known)
    meant = nearest(word, words)
    listed = ", ".join(words)
    return f"Did you mean {meant}? Known here: {listed}." if meant else f"Known here: {listed}."


class Strict(BaseModel):
    """A map of the file. The validation context may hold ``unknown(map, key, known)``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    elsewhere: ClassVar[tuple[str, ...]] = ()  # keys that belong here and are read by others

    @model_validator(mode="before")
    @classmethod
    def report_unknown_keys(cls, data: Any, info: ValidationInfo) -> Any:
        """Hand unknown keys to the context and go on without them."""
        known = [f.alias or name for name, f in cls.model_fields.items()]
        if not isinstance(data, dict) or not info.context:
            return data
        for key in (k for k in data if k not in known):
            info.context["unknown"](data, key, [*known, *cls.elsewhere])
        return {k: v for k, v in data.items() if k in known}


def _text(pattern: re.Pattern[str], what: str, hint: str) -> BeforeValidator:
    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("file.wrong_type", f"{value!r} is not text; {what} is needed here", hint)
        if not pattern.fullmatch(value):
            raise wrong("file.wrong_value", f"{value!r} is not {what}", hint)
        parts = value.split(".", 1) if pattern is TABLE else [value]
        if max(len(part.encode()) for part in parts) > LONGEST_OF_POSTGRES:
            raise wrong("file.wrong_value", f"{value!r} is longer than PostgreSQL's names", hint)
        return value

    return BeforeValidator(check)


def _secret_name(value: Any) -> str:
    """Never repeats what it was given: it may be the secret itself."""
    if not isinstance(value, str) or not SECRET.fullmatch(value):
        what = "this is not the name of a secret (what stands there is not shown)"
        hint = "Use a letter, then letters, digits, - or _; the value does not belong in the file."
        raise wrong("file.secret_in_clear", what, hint)
    return value


def _quantity(family: quantity.Family) -> BeforeValidator:
    def check(value: Any) -> float:
        try:
            return quantity.parse(value, family)
        except quantity.NotAQuantity as reason:
            raise wrong("file.wrong_unit", reason.what, reason.hint) from None

    return BeforeValidator(check)


def _inside(value: Any) -> str:
    """A relative path that stays in the folder of the file."""
    hint = "Write a path below the folder of the file, for example models/."
    if not isinstance(value, str) or not value.strip():
        raise wrong("file.wrong_type", f"{value!r} is not a path", hint)
    if value.startswith(("/", "~")) or "\\" in value or ".." in value.split("/"):
        raise wrong("file.outside", f"{value!r} leads out of the folder of the file", hint)
    return value


def _schema(kind: str, family: quantity.Family) -> WithJsonSchema:
    shape: Mapping[str, object] = {
        "description": f"{family.name}: {family.examples}",
        "type": ["string", "number"] if family.bare else "string",
    }
    return WithJsonSchema({"title": kind, **shape})


def _pattern(pattern: re.Pattern[str], description: str) -> WithJsonSchema:
    text = {"type": "string", "pattern": f"^{pattern.pattern}$", "description": description}
    return WithJsonSchema(text)


Name = Annotated[
    str,
    _text(WORD, "a name", "Use a lower-case letter, then letters, digits, - or _."),
    _pattern(WORD, "a lower-case name"),
]
TableName = Annotated[
    str,
    _text(TABLE, "a table", "Write schema.table as the database has it, without SQL's quotes."),
    _pattern(TABLE, "a table with its schema"),
]
ColumnName = Annotated[
    str,
    _text(COLUMN, "a column", "Write the column's name as the database has it."),
    _pattern(COLUMN, "a column"),
]
ModelName = Annotated[
    str,
    _text(MODEL, "a model", "Write the name of a model of the dbt project."),
    _pattern(MODEL, "a model"),
]
AirbyteName = Annotated[
    str,
    _text(AIRBYTE, "a connector of Airbyte", "Write source-NAME or source-NAME==VERSION."),
    _pattern(AIRBYTE, "a connector of Airbyte, with a version if wanted"),
]
PackageName = Annotated[
    str,
    _text(PACKAGE, "a package of PyPI", "Write NAME, NAME[EXTRA] or NAME==VERSION."),
    _pattern(PACKAGE, "a package of PyPI, with a version if wanted"),
]
StreamName = Annotated[
    str,
    _text(STREAM, "the name of a stream", "Write it as the connector says it."),
    _pattern(STREAM, "a stream of the connector"),
]
Topic = Annotated[
    str,
    _text(TOPIC, "the name of a topic", "Use a lower-case letter, then letters, digits or _."),
    _pattern(TOPIC, "a topic"),
]
Property = Annotated[
    str,
    _text(PROPERTY, "a property of an event", "Use letters, digits and _, not a digit first."),
    _pattern(PROPERTY, "a property of an event"),
]
UrlPath = Annotated[
    str,
    _text(URL_PATH, "the path of a URL", "Write it with a slash, for example /events."),
    _pattern(URL_PATH, "the path of a URL"),
]
SecretName = Annotated[
    str,
    BeforeValidator(_secret_name),
    _pattern(SECRET, "the name of a secret, never its value"),
]


class SecretRef(Strict):
    """A secret by name."""

    secret: SecretName


Place = Annotated[
    str,
    BeforeValidator(_inside),
    WithJsonSchema({"type": "string", "description": "a path below the folder of the file"}),
]
Duration = Annotated[float, _quantity(quantity.DURATION), _schema("Duration", quantity.DURATION)]
Share = Annotated[float, _quantity(quantity.SHARE), _schema("Share", quantity.SHARE)]
Rate = Annotated[float, _quantity(quantity.RATE), _schema("Rate", quantity.RATE)]
