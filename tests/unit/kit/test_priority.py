"""Giving way: of a process, and on Linux of its whole session."""

import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
GIVE_WAY = """
import os
from tidewright.kit import priority
priority.give_way(7)
print(os.nice(0))
print(open("/proc/self/autogroup").read() if os.path.exists("/proc/self/autogroup") else "")
"""


def given_way() -> list[str]:
    command = [sys.executable, "-c", GIVE_WAY]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_the_process_gives_way():
    assert given_way()[0] == "7"


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="no autogroups here: nice values are compared")
def test_its_session_gives_way_where_sessions_share_the_processor():
    before = AUTOGROUP.read_text()
    assert given_way()[1].endswith("nice 7")
    assert AUTOGROUP.read_text() == before
