import random

import pyarrow as pa
import pytest

from tidewright.pipelines.sessions import core

S = 1_000_000
RULES = core.Rules(gap=10 * S, late=15 * S, opening=("page",), closing=("page",))


def table(events: list[tuple[str, int, int]]) -> pa.Table:
    keys, times, offsets = zip(*events, strict=True) if events else ((), (), ())
    pages = [f"/{offset}" for offset in offsets]
    return pa.table(
        {
            "key": pa.array(keys, pa.string()),
            "time": pa.array(times, pa.int64()),
            "offset": pa.array(offsets, pa.int64()),
            "page": pa.array(pages, pa.string()),
        }
    )


def random_log(seed: int) -> list[tuple[str, int, int]]:
    """Events of a few visitors, most in order, some late, some far too late; offsets not sorted."""
    dice = random.Random(seed)
    clock, found = 0, []
    offsets = list(range(dice.randrange(1, 120)))
    for n in range(0, len(offsets), 5):  # transactions may commit in another order than they began
        part = offsets[n : n + 5]
        dice.shuffle(part)
        offsets[n : n + 5] = part
    for offset in offsets:
        clock += dice.choice((0, 0, S, S, 3 * S, 9 * S))
        lag = dice.choice((0, 0, 0, S, 10 * S, 14 * S, 16 * S, 40 * S))
        found.append((f"v{dice.randrange(6)}", clock - lag, offset))
    return found


def split(log: list, dice: random.Random) -> list[list]:
    parts = []
    while log:
        size = dice.choice((1, 1, 2, 5, 50))
        parts, log = [*parts, log[:size]], log[size:]
    return parts


def run(parts: list[list]) -> tuple[list[dict], set[int], core.State]:
    state, closed, late = core.empty(RULES), [], set()
    for part in parts:
        # A restart keeps nothing but what was committed: times, offsets and strings.
        kept = pa.Table.from_pylist(state.open.to_pylist(), core.schema(RULES))
        state = core.State(state.seen, kept)
        step = core.advance(state, table(part), RULES)
        state = step.state
        closed += step.closed.to_pylist()
        late |= {event[2] for event, is_late in zip(part, step.late, strict=True) if is_late}
    return closed, late, state


def expected(log: list) -> tuple[list[dict], set[int]]:
    of, late = core.plain(log, RULES)
    by_offset = {event[2]: event for event in log}
    found = []
    for name in sorted(set(of.values())):
        mine = sorted(by_offset[o][1:] for o, n in of.items() if n == name)
        found.append(
            {
                "key": by_offset[name][0],
                "start": mine[0][0],
                "end": mine[-1][0],
                "events": len(mine),
                "first": name,
                "head": mine[0][1],
                "tail": mine[-1][1],
                "first_page": f"/{mine[0][1]}",
                "last_page": f"/{mine[-1][1]}",
            }
        )
    return found, late


@pytest.mark.parametrize("seed", range(150))
def test_any_log_in_any_batches_is_what_the_oracle_says(seed):
    log = random_log(seed)
    closed, late, state = run(split(log, random.Random(seed)))
    sessions = sorted([*closed, *state.open.to_pylist()], key=lambda s: s["first"])
    assert (sessions, late) == expected(log)


@pytest.mark.parametrize("seed", range(20))
def test_batches_do_not_change_what_is_closed(seed):
    log = random_log(seed)
    one_by_one = run([[event] for event in log])
    at_once = run([log])
    by_first = lambda found: sorted(found[0], key=lambda s: s["first"])  # noqa: E731
    assert by_first(one_by_one) == by_first(at_once)
    assert one_by_one[2].seen == at_once[2].seen


def test_every_event_is_counted_once_or_late():
    for seed in range(50):
        log = random_log(seed)
        closed, late, state = run(split(log, random.Random(seed)))
        events = sum(s["events"] for s in [*closed, *state.open.to_pylist()])
        assert events + len(late) == len(log)


def test_an_event_between_two_sessions_joins_them_under_the_lower_offset():
    closed, _, state = run([[("v", 0, 1), ("v", 14 * S, 2)], [("v", 7 * S, 3)]])
    assert closed == []
    (joined,) = state.open.to_pylist()
    assert (joined["first"], joined["events"], joined["end"]) == (1, 3, 14 * S)


def test_exactly_the_gap_is_the_same_session():
    _, _, state = run([[("v", 0, 1), ("v", 10 * S, 2), ("v", 20 * S + 1, 3)]])
    assert [s["events"] for s in state.open.to_pylist()] == [2, 1]


def test_a_closed_session_is_out_of_reach_of_any_event_that_is_taken():
    # Seen 26 s: the watermark is 11 s, and an event at 11 s would be a session of its own.
    closed, late, state = run([[("v", 0, 1), ("w", 26 * S, 2)], [("v", 11 * S, 3)]])
    assert [s["first"] for s in closed] == [1]
    assert late == set()
    assert sorted(s["first"] for s in state.open.to_pylist()) == [2, 3]


def test_an_empty_batch_changes_nothing():
    step = core.advance(core.empty(RULES), table([]), RULES)
    assert (step.state.seen, step.state.open.num_rows, len(step.late)) == (core.NEVER, 0, 0)
