"""What a load asks: a Python file of the user's, a connector of Airbyte, or sources of dlt.

A new kind is a class here, a member of ``Connector``, a row in ``KINDS``, and its start in
``pipelines.load.process``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from tidewright.spec import fields

KINDS = ("python", "airbyte", "dlt")


class PythonConnector(fields.Strict):
    """A connector of your own: a Python file with the class ``Connector``.

    ``config`` is handed to it; a value ``{secret: NAME}`` in it stands for that secret.
    ``workload`` is a script that plays the source on this machine.
    """

    python: fields.Place
    config: dict[str, Any] = Field(default_factory=dict)
    workload: fields.Place | None = None
    rate: fields.Rate | None = None

    @model_validator(mode="after")
    def plays_or_not(self) -> PythonConnector:
        """A rate is the workload's."""
        if self.rate is not None and self.workload is None:
            what = "rate says how fast the workload works, and there is none"
            hint = "Add workload: FILE.py, or remove rate."
            raise fields.wrong("file.wrong_value", what, hint)
        return self


class AirbyteConnector(fields.Strict):
    """One of Airbyte's own connectors from PyPI, installed at the first start.

    ``airbyte`` is its name, with a version if you like: ``source-faker==7.2.1``.
    """

    airbyte: fields.AirbyteName
    config: dict[str, Any] = Field(default_factory=dict)


class DltConnector(fields.Strict):
    """Sources of dlt (https://dlthub.com), which is installed at the first start.

    ``dlt`` is a Python file with the function ``source(config)``, which gives a source of dlt or a
    list of resources. ``packages`` are those of PyPI that they need beside dlt.
    """

    dlt: fields.Place
    config: dict[str, Any] = Field(default_factory=dict)
    packages: list[fields.PackageName] = Field(default_factory=list)


def _connector(value: Any) -> Any:
    if isinstance(value, str):
        return {"python": value}
    if isinstance(value, dict) and len(set(KINDS) & value.keys()) != 1:
        what = "a connector says python: FILE.py, airbyte: NAME or dlt: FILE.py, one of them alone"
        hint = "Write connector: {python: connector.py} or connector: {airbyte: source-faker}."
        raise fields.wrong("file.wrong_value", what, hint)
    return value


def _connector_kind(value: Any) -> str:
    others = (k for k in KINDS[1:] if isinstance(value, dict) and k in value)
    return next(others, "python")


Connector = Annotated[
    Annotated[PythonConnector, Tag("python")]
    | Annotated[AirbyteConnector, Tag("airbyte")]
    | Annotated[DltConnector, Tag("dlt")],
    Discriminator(_connector_kind),
    BeforeValidator(_connector),
]
