"""The lock of an environment: one holder, and lookers that are in nobody's way."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

from tidewright.targets.local import lock


def test_a_second_one_is_refused_and_sees_who_holds_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with lock.held(tmp_path) as first, lock.held(tmp_path) as second:
        assert (first, second) == (True, False)
        assert lock.holder(tmp_path) is not None
    assert lock.holder(tmp_path) is None


def test_who_only_looks_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    """A guardian that met a looker would leave the processes of a crash behind."""
    (tmp_path / "run").mkdir()
    with lock.held(tmp_path):
        pass
    with (tmp_path / "run" / lock.SUPERVISOR).open() as looker:
        fcntl.flock(looker, fcntl.LOCK_SH)
        away = threading.Timer(0.03, fcntl.flock, (looker, fcntl.LOCK_UN))
        away.start()
        with lock.held(tmp_path) as got:
            assert got
        away.join()
