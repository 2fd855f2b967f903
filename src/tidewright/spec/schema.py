"""The JSON Schema of platform.yaml, made from the models: ``python -m tidewright.spec.schema``.

It is shipped beside this module as ``platform.schema.json`` for editors; a test fails when that
is not what is made here. Rules across keys and files are in ``checks``, not in the schema.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tidewright.spec import document, overlay

FILE = Path(__file__).with_name("platform.schema.json")


def schema() -> dict[str, Any]:
    """The schema of a whole file, environments included."""
    made = document.Document.model_json_schema(by_alias=True)
    made["properties"]["run"] = {
        "type": "object",
        "minProperties": 1,
        "description": "Environments; each may override any key above it: maps merge, lists "
        "replace, null removes.",
        "additionalProperties": {"anyOf": [{"enum": list(overlay.SHORT)}, _environment(made)]},
    }
    # An environment may bring what the file itself leaves out.
    made["required"] = ["tidewright", "platform"]
    made["title"] = "Tidewright platform file"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _environment(whole: dict[str, Any]) -> dict[str, Any]:
    own = document.Environment.model_json_schema()
    keys: dict[str, Any] = {
        key: {} for key in whole["properties"] if key not in ("tidewright", "run")
    }
    properties = {**own["properties"], **keys}
    return {"type": "object", "properties": properties, "additionalProperties": False}


if __name__ == "__main__":
    sys.stdout.write(text())
