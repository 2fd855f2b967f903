"""The page's templates, compiled once, with every value escaped. Jinja is used only here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from tidewright.console import figures, tones

FOLDER = Path(__file__).parent
STATIC = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8"}
STATIC |= {"icon.svg": "image/svg+xml"}


@cache
def _environment() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("count", "rate", "size", "delay", "clock"):
        found.filters[name] = getattr(figures, name)
    found.filters["tone"] = tones.of
    return found


def render(template: str, **values: object) -> str:
    """A template with its values."""
    return _environment().get_template(template).render(**values)


def blocks(template: str, **values: object) -> dict[str, str]:
    """Each block of a template by name, rendered with the same values."""
    page = _environment().get_template(template)
    context = page.new_context(values)
    return {name: "".join(block(context)) for name, block in page.blocks.items()}


@cache
def static(name: str) -> bytes | None:
    """A static file's bytes; None for a name that is not listed."""
    return (FOLDER / "static" / name).read_bytes() if name in STATIC else None
