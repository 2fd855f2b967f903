"""What may be committed when: covered by a state, or the end of a full stream, and nothing else."""

from tidewright.pipelines.load import columns, marks, messages, sync

SCHEMA = {"properties": {"id": {"type": "integer"}}, "required": ["id"]}
SHAPE = columns.shape(SCHEMA, ("id",))


def begun(mode="incremental", mark=None):
    found = sync.Sync(now_ms=1_000)
    modes = ("full_refresh", "incremental") if mode == "incremental" else ("full_refresh",)
    stream = messages.Stream("s", SCHEMA, modes, ("id",), ("id",))
    found.begin(stream, SHAPE, mark or marks.Mark(mode))
    return found


def records(found, *ids):
    for number in ids:
        found.hear(messages.Record("s", {"id": number}))


def taken(found):
    """The ids that may be committed now, and the cursor they come with; then they are."""
    portions = list(found.portions())
    ids = [i for p in portions for page in p.rows for i in page.column("id").to_pylist()]
    found.committed()
    return ids, portions[0].mark.cursor if portions else None


def test_rows_wait_for_their_state():
    found = begun()
    records(found, 1, 2)
    assert taken(found) == ([], None)
    found.hear(messages.State("s", {"at": 2}))
    records(found, 3)
    assert taken(found) == ([1, 2], {"at": 2})
    found.hear(messages.State("s", {"at": 3}))
    assert taken(found) == ([3], {"at": 3})


def test_numbers_go_on_where_they_ended():
    found = begun(mark=marks.Mark("incremental", {"at": 2}, rows=2))
    records(found, 3, 4)
    found.hear(messages.State("s", {"at": 4}))
    records(found, 5)
    found.hear(messages.State("s", {"at": 5}))
    (portion,) = found.portions()
    numbers = [n for page in portion.rows for n in page.column("_seq").to_pylist()]
    assert numbers == [3, 4, 5]
    assert portion.mark.rows == 5


def test_what_came_after_the_last_state_is_dropped():
    found = begun()
    records(found, 1)
    found.hear(messages.State("s", {"at": 1}))
    records(found, 2, 3)
    found.exited(1)
    assert taken(found) == ([1], {"at": 1})
    assert found.failure == "the connector ended with code 1"
    (mark,) = [r.mark for r in found.reading.values()]
    assert not mark.complete


def test_through_is_complete_and_brings_nothing_uncovered():
    found = begun()
    records(found, 1)
    found.hear(messages.State("s", {"at": 1}))
    records(found, 2)
    found.hear(messages.Ended("s", True))
    (portion,) = found.portions()
    assert portion.mark.complete
    assert portion.mark.rows == 1


def test_an_incomplete_end_is_no_end():
    found = begun("full")
    records(found, 1)
    found.hear(messages.Ended("s", False))
    assert list(found.portions()) == []


def test_a_full_stream_waits_for_its_end():
    found = begun("full")
    records(found, 1, 2)
    found.hear(messages.State("s", {"moment": 5}))
    assert list(found.portions()) == []
    found.exited(0)
    (portion,) = found.portions()
    assert portion.whole
    assert (portion.mark.rows, portion.mark.generation, portion.mark.complete) == (2, 1, True)
    assert portion.mark.cursor == {"moment": 5}


def test_a_full_stream_that_broke_off_changes_nothing():
    found = begun("full")
    records(found, 1, 2)
    found.hear(messages.State("s", {"moment": 5}))
    found.exited(1)
    assert list(found.portions()) == []


def test_the_same_full_stream_again_replaces_nothing():
    first = begun("full")
    records(first, 1, 2)
    first.exited(0)
    (portion,) = first.portions()
    again = begun("full", portion.mark)
    records(again, 1, 2)
    again.exited(0)
    assert list(again.portions()) == []
    other = begun("full", portion.mark)
    records(other, 1, 2, 3)
    other.exited(0)
    (changed,) = other.portions()
    assert changed.whole
    assert changed.mark.generation == 2


def test_a_record_that_does_not_fit_stops_its_stream_alone():
    found = begun()
    other = messages.Stream("t", SCHEMA, ("incremental",), ("id",), ("id",))
    found.begin(other, SHAPE, marks.Mark("incremental"))
    records(found, 1)
    found.hear(messages.State("s", {"at": 1}))
    found.hear(messages.Record("s", {"id": "one"}))
    found.hear(messages.Record("t", {"id": 9}))
    found.hear(messages.State("s", {"at": 2}))
    found.hear(messages.State("t", {"at": 9}))
    found.exited(0)
    assert "record id='one': id is" in found.stopped["s"]
    kept = {p.stream: (p.mark.cursor, p.mark.complete) for p in found.portions()}
    assert kept == {"s": ({"at": 1}, False), "t": ({"at": 9}, True)}


def test_one_state_for_all_covers_all():
    found = begun()
    records(found, 1)
    found.hear(messages.State(None, {"n": 1}))
    told = {p.stream: (p.mark.cursor, sum(r.num_rows for r in p.rows)) for p in found.portions()}
    assert told == {"s": (None, 1), marks.SHARED: ({"n": 1}, 0)}


def test_one_state_for_all_is_not_kept_while_one_of_them_stopped():
    found = begun()
    other = messages.Stream("t", SCHEMA, ("full_refresh", "incremental"), ("id",), ("id",))
    found.begin(other, SHAPE, marks.Mark("incremental"))
    records(found, 1)
    found.hear(messages.Record("t", {"id": "no number"}))
    found.hear(messages.State(None, {"n": 1}))
    for name in ("s", "t"):
        found.hear(messages.Ended(name, complete=True))
    found.exited(0)
    assert found.failure == "its streams have one state, so none goes on without t"
    told = {p.stream: (p.rows, p.mark.rows, p.mark.complete) for p in found.portions()}
    assert told == {"s": ((), 0, False), "t": ((), 0, False)}


def test_one_state_for_all_waits_for_a_stream_that_never_began():
    found = begun()
    found.stop("t", "its type changed")
    found.lacking.add("t")
    records(found, 1)
    found.hear(messages.State(None, {"n": 1}))
    assert [(p.stream, p.rows, p.mark.cursor) for p in found.portions()] == [("s", (), None)]


def test_one_state_for_all_does_not_wait_for_a_stream_that_there_is_not():
    found = begun()
    found.stop("t", "the connector has no stream called t")
    records(found, 1)
    found.hear(messages.State(None, {"n": 1}))
    assert marks.SHARED in {p.stream for p in found.portions()}


def test_pages_are_cut_by_size():
    found = begun()
    records(found, *range(sync.PAGE + 1))
    assert [p.num_rows for p in found.reading["s"].pages] == [sync.PAGE]
    found.hear(messages.State("s", {}))
    assert taken(found)[0] == list(range(sync.PAGE + 1))


def test_a_full_stream_that_is_unchanged_keeps_its_table_and_its_mark():
    before = marks.Mark("full", {"at": 1}, 3, 2, True, "digest", 3, ("id",), "id")
    found = begun("full", before)
    found.hear(messages.Ended("s", complete=False, unchanged=True))
    found.exited(0)
    assert list(found.portions()) == []
    assert found.reading["s"].mark == before
