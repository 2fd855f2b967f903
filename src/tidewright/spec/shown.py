"""What people look at: charts over published marts, drawn by the console and by a BI tool."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from tidewright.spec import fields

# What each kind draws from: a line and a bar put y against x, a number is one y, a table is whole.
NEEDS = {"line": ("x", "y"), "bar": ("x", "y"), "number": ("y",), "table": ()}


def _title(value: Any) -> str:
    hint = "Write a few words, for example Balance by day."
    if not isinstance(value, str):
        raise fields.wrong("file.wrong_type", f"{value!r} is not text", hint)
    if not value.strip() or len(value) > 80 or not value.isprintable():
        raise fields.wrong("file.wrong_value", "a chart's name has 1 to 80 letters", hint)
    return value.strip()


class Chart(fields.Strict):
    """One chart. ``y`` is added up where several rows have the same ``x``."""

    name: Annotated[str, BeforeValidator(_title)]
    mart: fields.ModelName
    kind: Literal["line", "bar", "table", "number"]
    x: fields.ColumnName | None = None
    y: fields.ColumnName | None = None

    @model_validator(mode="after")
    def axes(self) -> Chart:
        """Exactly the columns that its kind draws from."""
        given = tuple(axis for axis in ("x", "y") if getattr(self, axis) is not None)
        needed = NEEDS[self.kind]
        if given != needed:
            wanted = " and ".join(needed) or "neither x nor y"
            stands = " and ".join(given) or "neither"
            what = f"a {self.kind} draws from {wanted}; here stands {stands}"
            hint = f"Write kind: {self.kind} with {wanted}, or choose another kind."
            raise fields.wrong("file.wrong_value", what, hint)
        return self
