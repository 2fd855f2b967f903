"""Values to text, at last: only here are addresses and paths of this machine known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from tidewright import errors
from tidewright.kit import ports
from tidewright.model import codec, flow, values
from tidewright.targets.local import layout


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns the values of one environment into text. ``numbers``: ``service.port`` to port."""

    layout: layout.Layout
    numbers: Mapping[str, int]

    def text(self, value: values.Value) -> str:
        match value:
            case str():
                return value
            case values.Ref():
                return str(self.ref(value))
            case values.Folder():
                return os.path.normpath(self.layout.folder(value))
            case values.Join(parts):
                return "".join(self.text(part) for part in parts)
            case other:
                assert_never(other)

    def ref(self, value: values.Ref) -> str | int:
        if value.prop == "host":
            return ports.LOOPBACK
        return self.port(value.service, value.port)

    def port(self, service: str, port: str) -> int:
        """The number of a named port. A name that nobody has is a defect of a component."""
        try:
            return self.numbers[f"{service}.{port}"]
        except KeyError:
            raise errors.Bug(
                "local.unknown_port",
                f"the service {service} has no port named {port}",
                f"service {service}",
                "Please report this: a component refers to a port that it does not declare.",
            ) from None

    def connection(self, value: flow.Connection) -> flow.Connection:
        """A connection as a process of ours uses it."""
        return codec.loads(flow.Connection, self.record(value))

    def record(self, value: object) -> str:
        """A record as canonical JSON with every reference resolved; secrets stay names."""
        return codec.dumps(codec.transform(value, self._replace))

    def _replace(self, value: object) -> object:
        if isinstance(value, values.Ref):
            return self.ref(value)
        if isinstance(value, values.Folder | values.Join):
            return self.text(value)
        return value
