"""One console over a fake desk for the whole module: its door and its pages hold no state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.console import served


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Console]:
    secrets = tmp_path_factory.mktemp("console") / "secrets"
    with served.serving(served.fake(secrets), secrets) as found:
        yield found
