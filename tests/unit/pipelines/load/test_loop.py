"""One sync after the other on a real lake: what lands, what does not, and what is said of it."""

import json

from tidewright.model import codec, observed
from tidewright.pipelines.lake import reader
from tidewright.pipelines.load import marks, messages, process


def pairs(rows):
    return [(r["id"], r["v"]) for r in rows]


def status(load):
    return codec.loads(observed.MoverStatus, (load.folder / "mover-load.json").read_text())


def test_every_version_lands_once(load):
    load.change(10)
    load.sync()
    assert load.values("orders") == pairs(load.orders)
    load.change(5)
    load.sync()
    load.sync()
    assert load.values("orders") == pairs(load.orders)
    assert [r["_seq"] for r in load.rows("orders")] == list(range(1, 16))


def test_a_full_stream_is_replaced_at_once(load):
    load.things = [{"id": n, "v": n, "amount": 1} for n in range(8)]
    load.set()
    load.sync()
    load.things = [{"id": 3, "v": 3, "amount": 5}]
    load.set()
    load.sync()
    (row,) = load.rows("things")
    assert (row["id"], row["amount"], row["_seq"], row["_airbyte_generation_id"]) == (3, 5, 1, 2)


def test_a_full_stream_may_become_empty(load):
    load.things = [{"id": 1, "v": 1, "amount": 1}]
    load.set()
    load.sync()
    load.things = []
    load.set()
    load.sync()
    assert load.rows("things") == []


def test_tables_are_there_before_their_first_row(load):
    load.sync()
    with load.lake.connect() as conn:
        found = reader.pin(conn, "bronze")
    assert found is not None
    assert set(found.tables) == {"bronze.orders", "bronze.things"}


def test_the_state_is_in_the_row_of_the_commit(load):
    load.change(4)
    running = load.sync()
    with load.lake.connect() as conn:
        row = conn.execute("select position, state, source from tidewright_commits").fetchone()
    assert row is not None
    assert row[0] == "1"
    assert marks.decode(row[1]) == running.lake.marks
    assert row[1]["streams"]["orders"]["cursor"] == {"v": 4}
    assert row[2] == "world-1/1/connector.py"


def test_nothing_new_is_no_commit(load):
    load.change(4)
    load.sync()
    assert load.sync().lake.position == 1


def test_a_connector_that_fails_half_way_keeps_what_was_covered(load):
    load.change(10)
    load.things = [{"id": 1, "v": 1, "amount": 1}]
    load.set(trouble={"orders": {"page": 2, "what": "raise"}})
    load.sync()
    assert load.values("orders") == pairs(load.orders[:6])
    assert len(load.rows("things")) == 1, "the other stream goes on"
    told = status(load)
    assert told.state == "degraded"
    assert "ConnectionError: the interface answered 502" in told.message
    assert {d.dataset: d.state for d in told.datasets}["bronze.orders"] == "stopped"
    load.set()
    load.sync()
    assert load.values("orders") == pairs(load.orders)
    assert status(load).state == "running"


def test_a_full_stream_that_fails_half_way_stays_as_it_was(load):
    load.things = [{"id": n, "v": n, "amount": 1} for n in range(8)]
    load.set()
    load.sync()
    load.things = [{"id": n, "v": n, "amount": 2} for n in range(8)]
    load.set(trouble={"things": {"page": 1, "what": "raise"}})
    load.sync()
    assert {r["amount"] for r in load.rows("things")} == {1}


def test_a_connector_that_ends_is_tried_again(load):
    load.change(10)
    load.set(trouble={"orders": {"page": 1, "what": "exit"}})
    running = load.sync()
    assert running.failures == 1
    assert "ended with code 3" in status(load).message
    load.set()
    load.sync()
    assert running.failures == 0
    assert load.values("orders") == pairs(load.orders)


def test_a_silent_connector_is_ended(load):
    load.told(timeout=1.0)
    load.change(10)
    load.set(trouble={"orders": {"page": 1, "what": "hang"}})
    load.sync()
    assert "said nothing for 1 s" in status(load).message
    assert "load.connector_failed" in status(load).message
    load.told(timeout=20.0)
    load.set()
    load.sync()
    assert load.values("orders") == pairs(load.orders)


def test_garbage_stops_its_stream_and_no_other(load):
    load.change(6)
    load.things = [{"id": 1, "v": 1, "amount": 1}]
    wrong = [{"id": 4, "v": "latest", "amount": 1}]
    load.set(trouble={"orders": {"page": 1, "what": "", "instead": wrong}})
    load.sync()
    assert load.values("orders") == pairs(load.orders[:3])
    assert len(load.rows("things")) == 1
    assert "orders stopped: record id=4: v is" in status(load).message


def test_a_page_that_is_no_list_stops_its_stream(load):
    load.change(6)
    load.set(trouble={"orders": {"page": 1, "what": "", "instead": "<html>"}})
    load.sync()
    assert load.values("orders") == pairs(load.orders[:3])
    assert "a page of orders is str, not a list of records" in status(load).message


def test_a_new_property_is_a_new_column(load):
    load.change(3)
    load.sync()
    load.orders.append({"id": 50, "v": 50, "amount": 1, "note": "hello"})
    load.set(properties={"note": {"type": ["null", "string"]}})
    load.sync()
    assert [r["note"] for r in load.rows("orders")] == [None, None, None, "hello"]


def test_a_changed_type_stops_the_stream_with_both_types(load):
    load.change(3)
    load.sync()
    load.change(3)
    load.set(properties={"amount": {"type": "string"}})
    load.sync()
    assert load.values("orders") == pairs(load.orders[:3])
    assert "amount changed: the table has amount long" in status(load).message
    load.set()
    load.sync()
    assert load.values("orders") == pairs(load.orders), "it goes on by itself"


def test_a_stream_that_does_not_exist_is_named(load):
    load.told(streams=("orders", "refunds"))
    load.change(2)
    load.sync()
    assert load.values("orders") == pairs(load.orders)
    assert "no stream called refunds; it has orders, things" in status(load).message


def test_another_source_is_refused(load):
    load.change(3)
    load.sync()
    load.change(3)
    load.set(identity="world-2")
    load.sync()
    assert load.values("orders") == pairs(load.orders[:3])
    assert "load.other_source" in status(load).message
    load.set()
    load.sync()
    assert load.values("orders") == pairs(load.orders)


def test_a_broken_file_is_named_with_its_line(load):
    (load.folder / "connector.py").write_text("class Connector:\n    def oh no\n")
    load.sync()
    assert "connector.py:2: SyntaxError" in status(load).message


def test_a_file_without_the_class_is_named(load):
    (load.folder / "connector.py").write_text("x = 1\n")
    load.sync()
    assert "no class Connector with streams() and read(stream, state)" in status(load).message


def test_long_syncs_are_committed_in_between(load, monkeypatch):
    monkeypatch.setattr("tidewright.pipelines.load.loop.COMMIT_RECORDS", 6)
    load.change(20)
    running = load.sync()
    assert running.lake.position >= 3
    assert load.values("orders") == pairs(load.orders)


def test_a_secret_reaches_the_connector_by_name_alone(load):
    from tidewright.model import flow
    from tidewright.vault import files as vault

    vault.write(load.lake.folder / "secrets", "token", "s3cr3t")
    load.told(connector=flow.Connector("python", "connector.py", {"auth": {"secret": "token"}}))
    assert process.config(load.job) == {"auth": "s3cr3t"}
    assert "s3cr3t" not in json.dumps(codec.encode(load.job))


def test_a_full_stream_that_is_unchanged_is_not_read_again(load):
    load.things = [{"id": n, "v": n, "amount": 1} for n in range(1, 4)]
    load.set()
    load.sync()
    load.things = []  # it would be replaced by nothing
    load.set(unchanged=3)
    running = load.sync()
    assert [r["id"] for r in load.rows("things")] == [1, 2, 3]
    assert running.lake.marks["things"].complete
    load.set(unchanged=2)
    load.sync()
    assert load.rows("things") == []


def test_by_a_calendar_a_restart_shows_what_is_there_and_pulls_nothing(load):
    load.told(every=None, cron="0 3 1 1 *")
    load.change(4)
    load.sync()
    load.change(4)
    load.restarted().run()
    assert len(load.rows("orders")) == 4
    assert "next " in status(load).message
    assert [d.rows for d in status(load).datasets if d.dataset == "bronze.orders"] == [4]


class Shared:
    """A connector with one state for all of its streams: how many records of each it has sent."""

    code = 0
    kind, count = "integer", 2  # of the ids of things, and how many records there are

    def __init__(self, job, do, streams, states, tell):
        self.sent = (states.get(marks.SHARED) or {"sent": 0})["sent"]

    def messages(self):
        both, kinds = ("full_refresh", "incremental"), {"orders": "integer", "things": self.kind}
        yield messages.Catalog(
            tuple(
                messages.Stream(n, {"properties": {"id": {"type": k}}}, both, ("id",), ("id",))
                for n, k in kinds.items()
            )
        )
        for number in range(self.sent + 1, self.count + 1):
            yield from (messages.Record(name, {"id": number}) for name in kinds)
        yield messages.State(None, {"sent": self.count})

    def close(self):
        pass


def test_a_type_that_changed_holds_all_that_share_its_state(load, monkeypatch):
    monkeypatch.setattr(process, "start", Shared)
    load.sync()
    monkeypatch.setattr(Shared, "kind", "boolean")
    monkeypatch.setattr(Shared, "count", 4)
    load.sync()
    assert "its streams have one state, so none goes on without things" in status(load).message
    monkeypatch.setattr(Shared, "kind", "integer")
    load.sync()
    for name in ("orders", "things"):
        assert [r["id"] for r in load.rows(name)] == [1, 2, 3, 4]
