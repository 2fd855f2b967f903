"""What a file of pulls and streams can get wrong, each with its code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.spec import load

EXAMPLE = Path(__file__).parents[3] / "examples" / "user-events"
STREAM = "  - stream:"
KEYED = "{keyed: user_events.users, key: user_id, order: event_time}"
APPEND = "{append: user_events.accepted_events}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "platform"))


def codes(folder: Path, old: str, new: str) -> set[str]:
    file = folder / "platform.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(errors.SpecError) as raised:
        load.load(file)
    return {finding.code for finding in raised.value.findings}


def test_the_example_is_right(folder: Path) -> None:
    assert load.load(folder / "platform.yaml").document.platform == "user-events"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("every: 1s", "every: 1ms", "file.wrong_value"),
        ("to: users_topic,", "to: Users-Topic,", "file.wrong_value"),
        ("python: users_api.py", "python: nope.py", "file.no_such_path"),
        ("workload: random_user_api.py", "workload: nope.py", "file.no_such_path"),
        ("workload: random_user_api.py, ", "", "file.wrong_value"),
        ("from: users_topic", "from: user_topic", "file.unknown_source"),
        ("sql: stream/users.sql", "sql: stream/nope.sql", "file.no_such_path"),
        (KEYED, "{keyed: user_events.users}", "file.missing_key"),
        (KEYED, "{append: user_events.users, key: user_id}", "file.wrong_value"),
        (KEYED, "{append: user_events.users}", "file.repeated"),
        (APPEND, "{keyed: user_events.accepted_events, key: user_id}", "file.missing_key"),
        (APPEND, "{append: user_events.users}", "file.repeated"),
        ("rejects: user_events.dead_letters", "rejects: user_events.users", "file.repeated"),
        (STREAM, "  - pull: {python: users_api.py, every: 1s, to: x}\n" + STREAM, "file.not_yet"),
    ],
)
def test_each_mistake_is_found(folder: Path, old: str, new: str, code: str) -> None:
    assert code in codes(folder, old, new)
