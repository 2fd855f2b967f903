from __future__ import annotations

import pytest

from tidewright import errors
from tidewright.pipelines.feeds import peek, slots


def test_a_slot_is_made_once(feed, source):
    made = slots.ensure(feed.side, source.slot)
    assert slots.ensure(feed.side, source.slot) == made
    assert feed.slot().confirmed == made


def test_a_slot_of_another_kind_is_left_alone(database, feed, source):
    database.execute("select pg_create_physical_replication_slot(%s)", (source.slot,))
    with pytest.raises(errors.Refused) as raised:
        slots.ensure(feed.side, source.slot)
    assert raised.value.code == "source.slot_taken"


def test_a_source_without_a_free_slot_says_so(servers, secrets):
    server, source = servers(max_replication_slots="1")
    with server.connect() as conn:
        conn.execute("select pg_create_physical_replication_slot('taken')")
    feed = peek.PeekFeed(source, secrets)
    with pytest.raises(errors.Refused) as raised:
        slots.ensure(feed.side, source.slot)
    assert raised.value.code == "source.no_free_slot"
    feed.close()


def test_a_role_without_replication_is_told_so(database, source, secrets, postgres):
    database.execute("create role plain login password 'x'")
    (secrets / "pw").write_text("x")
    at = source.connection
    connection = type(at)(at.host, at.port, at.database, "plain", at.password)
    feed = peek.PeekFeed(type(source)("b", connection, "p", "s", False), secrets)
    with pytest.raises(errors.Refused) as raised:
        slots.ensure(feed.side, "s")
    assert raised.value.code == "source.rights"
    feed.close()
    (secrets / "pw").write_text(postgres.password)
    database.execute("drop role plain")


def test_a_refusal_without_a_code_of_its_own_keeps_the_servers_words(feed):
    with pytest.raises(errors.StepFailed, match="invalid character") as raised:
        slots.ensure(feed.side, "not-a-name")
    assert raised.value.code == "source.failed"
