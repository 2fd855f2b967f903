"""Connecting: each failure named, and no password in any text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tidewright import errors
from tidewright.clients import postgres as client
from tidewright.model import flow, values
from tidewright.testing.postgres import TempPostgres
from tidewright.vault import files as vault


def _right(server: TempPostgres, folder: Path) -> flow.Connection:
    vault.write(folder, "pw", server.password)
    vault.write(folder, "wrong", "not-the-password")
    host, user = "127.0.0.1", "postgres"
    return flow.Connection(host, server.port, "postgres", user, values.Secret("pw"))


def test_connects_autocommit_under_our_name(postgres: TempPostgres, tmp_path: Path) -> None:
    with client.connect(_right(postgres, tmp_path), tmp_path) as conn:
        assert conn.autocommit
        row = conn.execute("select current_setting('application_name')").fetchone()
    assert row == ("tidewright",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": values.Secret("wrong")}, "source.password"),
        ({"password": None}, "source.password"),
        ({"database": "nowhere"}, "source.no_database"),
        ({"tls": "require"}, "source.tls"),
    ],
)
def test_names_what_was_wrong(
    postgres: TempPostgres, tmp_path: Path, change: dict[str, object], code: str
) -> None:
    connection = dataclasses.replace(_right(postgres, tmp_path), **change)  # type: ignore[arg-type]
    with pytest.raises(client.ConnectFailed) as caught:
        client.connect(connection, tmp_path)
    assert caught.value.code == code
    assert not isinstance(caught.value, errors.Transient)
    assert "not-the-password" not in str(caught.value)


def test_a_server_that_is_away_may_come_back(tmp_path: Path) -> None:
    vault.write(tmp_path, "pw", "x")
    connection = flow.Connection("127.0.0.1", 1, "a", "b", values.Secret("pw"))
    with pytest.raises(client.NotThere, match="Connection refused") as caught:
        client.connect(connection, tmp_path)
    assert caught.value.code == "source.unreachable"
    assert isinstance(caught.value, errors.Transient)


def test_a_url_says_everything(postgres: TempPostgres, tmp_path: Path) -> None:
    url = f"postgres://postgres:{postgres.password}@127.0.0.1:{postgres.port}/postgres"
    vault.write(tmp_path, "url", url)
    theirs = flow.Connection("", 0, "", "", None, url=values.Secret("url"))
    client.connect(theirs, tmp_path).close()


@pytest.mark.parametrize(
    "url",
    [
        "host=a dbname=b",
        "mysql://a/b",
        "postgres://u:pa55@",
        "postgres://u:pa55@[bad/x",
        "postgres://u:pa55@h/d?sslrootcert=from/some/folder.crt",
    ],
)
def test_a_bad_url_is_not_repeated(url: str) -> None:
    with pytest.raises(errors.Refused) as caught:
        client.url_parts(url)
    assert caught.value.code == "source.url"
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("nologin", "source.no_role"),
        ("login connection limit 0", "source.too_many"),
        ("login", "source.not_admitted"),
    ],
)
def test_names_what_the_role_lacks(
    postgres: TempPostgres, tmp_path: Path, kind: str, code: str
) -> None:
    vault.write(tmp_path, "pw", "its-password")
    with postgres.connect() as conn:
        conn.execute(f"create role guest {kind} password 'its-password'")
        conn.execute("revoke connect on database template1 from public")
        try:
            login = flow.Connection("127.0.0.1", postgres.port, "template1", "guest", None)
            theirs = dataclasses.replace(login, password=values.Secret("pw"))
            with pytest.raises(client.ConnectFailed) as caught:
                client.connect(theirs, tmp_path)
        finally:
            conn.execute("drop role guest")
            conn.execute("grant connect on database template1 to public")
    assert caught.value.code == code
    assert isinstance(caught.value, errors.Transient) is (code == "source.too_many")


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("server does not support SSL, but SSL was required", "source.tls", "SET ssl = on"),
        ('no pg_hba.conf entry for host "h", user "u", no encryption', "source.tls", "?sslmode="),
        ('server certificate for "a" does not match host name "b"', "source.tls", "hostaddr"),
        ("SSL error: certificate verify failed", "source.tls", "sslrootcert="),
        ("SSL SYSCALL error: EOF detected", "source.unreachable", "Start it"),
        ("server closed the connection unexpectedly", "source.unreachable", "Start it"),
    ],
)
def test_tls_has_a_remedy_for_each_way_to_miss_it(text: str, code: str, hint: str) -> None:
    theirs = flow.Connection("h", 1, "d", "u", None)
    told = f'connection to server at "h" (1.2.3.4), port 1 failed: {text}'
    found = client.failed(theirs, {"host": "h", "port": 1, "dbname": "d", "user": "u"}, told)
    assert (found.code, hint in found.hint) == (code, True)
    assert found.what.endswith(text)
