"""One of Airbyte's own connectors, asked as Airbyte asks it: ``discover``, then ``read``.

Its messages are what the rest of the load understands, so nothing else knows that it is there.
Configuration, catalog and state lie in a private folder while it runs, as Airbyte's protocol wants.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidewright.kit import files
from tidewright.pipelines.load import install, marks, masking, messages, running, scratch
from tidewright.pipelines.load.messages import Message


@dataclass(slots=True)
class Airbyte:
    """``messages`` as of a light connector: a catalog first, then what its streams bring."""

    name: str
    config: Mapping[str, Any]
    streams: Sequence[str]
    states: Mapping[str, Any]
    timeout: float
    scratch: Path
    tell: install.Tell
    do: str = "read"
    mask: masking.Mask = masking.NOTHING
    code: int | None = None
    _now: running.Running | None = None
    _folder: Path | None = field(default=None)

    def messages(self) -> Iterator[Message]:
        """Until it has ended; see ``running.Running``."""
        if self.do != "read":
            self.code = 0  # Airbyte's protocol has no question for totals
            return
        home = install.ensure(f"airbyte-{self.name}", self.tell)
        program = str(home / "bin" / self.name.partition("==")[0])
        self._folder = scratch.fresh(self.scratch, "airbyte")
        config = self._file("config.json", self.config)
        found = None
        for message in self._asked(program, "discover", "--config", config):
            if isinstance(message, messages.Catalog):
                found = message
            yield message
        if found is None:
            return
        catalog = self._file("catalog.json", configured(found, self.streams))
        state = self._file("state.json", told(self.states))
        yield from self._asked(
            program, "read", "--config", config, "--catalog", catalog, "--state", state
        )

    def close(self) -> None:
        """End it, and remove what was written for it."""
        if self._now is not None:
            self._now.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _asked(self, *argv: str) -> Iterator[Message]:
        child = subprocess.Popen(
            argv, env={**install.environment(), "TMPDIR": str(self._folder)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._now = running.Running(
            child, self.timeout, f"connector {self.name}", self.mask, chatty=True
        )
        yield from self._now.messages()
        self.code = self._now.code
        self._now.close()

    def _file(self, name: str, content: Any) -> str:
        assert self._folder is not None
        path = self._folder / name
        files.replace_private(path, json.dumps(content))
        return str(path)


def configured(found: messages.Catalog, streams: Sequence[str]) -> dict[str, Any]:
    """The streams to read and how, in Airbyte's words. None named: all of them."""
    wanted = [s for s in found.streams if not streams or s.name in streams]
    return {"streams": [_configured(s) for s in wanted]}


def _configured(stream: messages.Stream) -> dict[str, Any]:
    incremental = "incremental" in stream.modes
    return {
        "stream": {
            "name": stream.name,
            "json_schema": stream.schema,
            "supported_sync_modes": list(stream.modes),
            "default_cursor_field": list(stream.cursor),
            "source_defined_primary_key": [[k] for k in stream.key],
        },
        "sync_mode": "incremental" if incremental else "full_refresh",
        "destination_sync_mode": "append" if incremental else "overwrite",
        "cursor_field": list(stream.cursor),
        "primary_key": [[k] for k in stream.key],
    }


def told(states: Mapping[str, Any]) -> list[Any]:
    """What the connector said when the rows that are here were covered, for it to go on from."""
    if states.get(marks.SHARED) is not None:
        return [states[marks.SHARED]]
    return [
        {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": name}, "stream_state": state},
        }
        for name, state in states.items()
        if state is not None
    ]
