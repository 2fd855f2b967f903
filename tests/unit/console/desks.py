"""A desk without a platform behind it: the same questions as the real one, canned answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.console import scenes

from tidewright import errors
from tidewright.model import views
from tidewright.operations import console_keys, metrics


class FakeDesk:
    """Real keys and metrics over a folder of secrets; scenes for everything else."""

    def __init__(self, secrets: Path) -> None:
        keys = console_keys.Keys(secrets)
        self.opens, self.redeem = keys.opens, keys.redeem
        self.session, self.admits = keys.session, keys.admits
        self.trouble = False
        self.asked: list[str] = []
        self.answer: views.Answer | Exception = views.Answer(
            (views.Column("id", "number"), views.Column("email", "text")),
            (("-7", "=cmd()"), ("2", None)), seconds=0.02, commit=1_947,
        )  # fmt: skip

    def observe(self) -> views.Observation:
        return scenes.observation(self.trouble, int(time.time() * 1000))

    def history(self, marts: Sequence[str]) -> views.History:
        return scenes.history()

    def tables(self) -> tuple[str, ...]:
        return ("bank.accounts", "bank.users", "raw_data.accounts", "raw_data.users")

    def ask(self, sql: str) -> views.Answer:
        self.asked.append(sql)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def metrics(self) -> str:
        return metrics.render(self.observe())

    def catalog_config(self) -> dict[str, Any]:
        return {"defaults": {}, "overrides": {}, "endpoints": []}

    def namespaces(self, parent: str | None) -> dict[str, Any]:
        return {"namespaces": [["bank"]]}

    def namespace(self, namespace: str) -> dict[str, Any]:
        if namespace != "bank":
            raise errors.Refused("console.no_namespace", "there is none", "here", "list them")
        return {"namespace": ["bank"], "properties": {}}

    def catalog_tables(self, namespace: str) -> dict[str, Any]:
        return {"identifiers": []}

    def catalog_table(self, namespace: str, table: str) -> bytes:
        raise errors.Refused("console.no_table", "there is none", "here", "list them")

    def rest(self) -> None: ...

    def close(self) -> None: ...
