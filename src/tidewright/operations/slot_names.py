"""What an environment keeps from its last ``up``: the names of slot and publication at a source.

They are derived from the file, but a slot that exists is the lake's only thread to its source:
under another name every table would be copied again, and the old slot would keep WAL for ever.
"""

from __future__ import annotations

from dataclasses import replace

from tidewright.model import codec, flow
from tidewright.model import platform as nouns
from tidewright.operations import changes


def names(platform: nouns.Platform, applied: nouns.Platform | None) -> nouns.Platform:
    """``platform`` with the slots and publications of ``applied``, source by source."""
    before = {c.source.name: c.source for c in changes.captures(applied)} if applied else {}

    def keep(value: object) -> object:
        old = before.get(value.name) if isinstance(value, flow.PostgresSource) else None
        if not isinstance(value, flow.PostgresSource) or old is None:
            return value
        return replace(value, slot=old.slot, publication=old.publication)

    return codec.transform(platform, keep) if before else platform
