"""What the log says can be read by somebody who knows none of our words."""

from __future__ import annotations

import logging

import pytest

from tidewright.pipelines.core import acts
from tidewright.pipelines.worker import telling

SEEN: list[acts.Outcome] = [
    acts.Opened(None, None, "7/1/bank", None, ()),
    acts.Opened(34300600, "7/1/bank", "7/1/bank", None, ("a.b",), (("a.c", "why"),)),
    acts.SlotMade(1),
    acts.CopyStarted(("a.b", "a.c")),
    acts.CopyFailed(("a.b",)),
    acts.CopyAgain(("a.b",)),
    acts.Joined(("a.b",), 9),
    acts.Unknown(9),
    acts.Landed(9),
    acts.Absent(),
    acts.Reloaded(9, ("a.b",)),
    acts.TableStopped("a.b", "it was taken out of the publication"),
]


@pytest.mark.parametrize("seen", SEEN, ids=lambda s: type(s).__name__)
def test_it_is_a_sentence_and_no_record(seen: acts.Outcome) -> None:
    told = telling.sentence(seen)
    assert told is not None
    assert told[1].endswith((".", "]"))
    assert type(seen).__name__ not in told[1]
    assert "(" not in told[1]


def test_a_stop_says_what_to_do() -> None:
    told = telling.sentence(acts.TableStopped("bank.my table", "it was dropped"))
    assert told == (
        logging.WARNING,
        "bank.my table stopped, the other tables go on: it was dropped."
        " `tidewright up --recopy 'bank.my table'` copies it again.",
    )


def test_what_happens_all_the_time_is_not_told() -> None:
    assert telling.sentence(acts.Pulled(9, exhausted=True)) is None
    assert telling.sentence(acts.Done(9)) is None
