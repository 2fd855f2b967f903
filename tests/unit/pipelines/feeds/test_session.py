from __future__ import annotations

import pytest

from tidewright import errors
from tidewright.pipelines.feeds import session


def test_settings_of_the_database_do_not_change_the_text_of_values(database, source, secrets):
    name = database.info.dbname
    for setting in (
        "datestyle = 'German'",
        "timezone = 'Asia/Tokyo'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "extra_float_digits = -3",
    ):
        database.execute(f"alter database {name} set {setting}")
    link = session.Session(source.connection, secrets)
    query = (
        "select timestamptz '2026-01-02 03:04:05+00'::text, interval '1 day'::text,"
        " bytea '\\x00ff'::text, (0.1::float8 + 0.2)::text"
    )
    row = link.ask(query)[0]
    link.close()
    assert row == ("2026-01-02 03:04:05+00", "1 day", "\\x00ff", "0.30000000000000004")


def test_a_session_that_was_ended_opens_again(database, source, secrets):
    link = session.Session(source.connection, secrets)
    pid = link.ask("select pg_backend_pid()")[0][0]
    database.execute("select pg_terminate_backend(%s)", (pid,))
    with pytest.raises(errors.Transient) as raised:
        link.ask("select 1")
    assert raised.value.code == "source.unreachable"
    assert link.ask("select 1") == [(1,)]
    link.close()
