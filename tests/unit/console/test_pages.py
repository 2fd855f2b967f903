"""The routes, by a real HTTP client against a served console."""

from __future__ import annotations

import contextlib
import http.client
import json
from urllib.parse import urlencode

import pytest
from tests.unit.console import served

from tidewright import errors
from tidewright.console import live
from tidewright.operations import console_keys
from tidewright.vault import files as vault

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def link(console: served.Console) -> str:
    return console_keys.link(console.secrets, console.port).removeprefix(console.origin)


def test_a_link_opens_the_console_once(console: served.Console) -> None:
    path = link(console)
    first, second = console.ask(path), console.ask(path)
    assert (first.status, first.headers["location"]) == (303, "/")
    assert second.status == 401 and second.headers["set-cookie"] is None
    assert "console.bad_link" in second.text


def test_the_cookie_is_kept_from_scripts_and_other_sites(console: served.Console) -> None:
    cookie = console.ask(link(console)).headers["set-cookie"]
    assert cookie.startswith(f"tidewright_{console.port}=")
    assert {"HttpOnly", "SameSite=strict"} <= {p.strip() for p in cookie.split(";")}
    assert vault.read(console.secrets, "console") not in cookie
    page = console.ask("/", {"Cookie": cookie.split(";")[0]})
    assert page.status == 200 and "Recent commits" in page.text


def test_without_a_session_the_page_says_how_to_sign_in(console: served.Console) -> None:
    reply = console.ask("/")
    assert reply.status == 401
    assert "tidewright open" in reply.text and "Recent commits" not in reply.text


def test_the_secret_itself_signs_in_by_form_only(console: served.Console) -> None:
    secret = vault.read(console.secrets, "console")
    body = urlencode({"token": secret}).encode()
    assert console.ask("/login", FORM | {"Origin": console.origin}, "POST", body).status == 303
    assert console.ask(f"/?token={secret}").status == 401
    wrong = console.ask("/login", FORM, "POST", b"token=guess")
    assert wrong.status == 401 and wrong.headers["set-cookie"] is None


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/app.css", "/api/status", "/nothing"])
def test_every_answer_is_dressed(console: served.Console, path: str) -> None:
    headers = console.ask(path, console.bearer()).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert headers["server"] is None


def test_rebinding_and_cross_site_get_the_one_error_shape(console: served.Console) -> None:
    rebound = console.ask("/api/status", console.bearer() | {"Host": "evil.example"})
    crossed = console.ask(
        "/api/sql", console.cookie() | {"Origin": "http://evil.example"} | JSON, "POST", b"{}"
    )
    assert (rebound.status, rebound.json["error"]["code"]) == (403, "console.host")
    assert (crossed.status, crossed.json["error"]["code"]) == (403, "console.cross_site")
    assert set(crossed.json["error"]) == {"code", "what", "where", "hint"}
    assert console.desk.asked == []


def test_a_select_is_answered_as_json_and_as_a_harmless_sheet(console: served.Console) -> None:
    body = json.dumps({"sql": "select 1"}).encode()
    found = console.ask("/api/sql", console.bearer() | JSON, "POST", body)
    assert found.json["rows"] == [["-7", "=cmd()"], ["2", None]]
    sheet = console.ask("/sql.csv", console.bearer() | FORM, "POST", b"sql=select+1")
    assert sheet.text == "id,email\r\n-7,'=cmd()\r\n2,\r\n"
    assert "attachment" in sheet.headers["content-disposition"]
    console.desk.asked.clear()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"sql": " "}', b'{"other": "x"}', b'{"sql": "' + b"x" * 70_000]
)
def test_a_body_that_cannot_be_read_is_refused(console: served.Console, body: bytes) -> None:
    reply = console.ask("/api/sql", console.bearer() | JSON, "POST", body)
    assert (reply.status, reply.json["error"]["code"]) == (400, "console.bad_request")
    assert console.desk.asked == []


def test_an_error_of_the_box_is_told_and_an_unforeseen_one_is_not(console: served.Console) -> None:
    usual = console.desk.answer
    console.desk.answer = errors.TimedOut("console.sql_time", "too long", "the SQL box", "Filter.")
    late = console.ask("/api/sql", console.bearer() | JSON, "POST", b'{"sql": "x"}')
    console.desk.answer = KeyError("the password is hunter2")
    broken = console.ask("/api/sql", console.bearer() | JSON, "POST", b'{"sql": "x"}')
    console.desk.answer = usual
    console.desk.asked.clear()
    assert (late.status, late.json["error"]["code"]) == (504, "console.sql_time")
    assert (broken.status, broken.json["error"]["code"]) == (500, "console.broken")
    assert "hunter2" not in broken.text and "Traceback" not in broken.text


def test_metrics_take_their_own_key_or_the_console_s(console: served.Console) -> None:
    for name in ("metrics", "console"):
        reply = console.ask("/metrics", console.bearer(name))
        assert reply.status == 200 and "tidewright_freshness_seconds" in reply.text
    assert console.ask("/metrics", console.bearer("catalog")).status == 401
    assert console.ask("/metrics").status == 401


def test_health_needs_no_key_and_says_nothing(console: served.Console) -> None:
    assert console.ask("/healthz").body == b"ok\n"


@pytest.mark.parametrize("path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/x"])
def test_only_listed_files_are_served(console: served.Console, path: str) -> None:
    assert console.ask(path).status in (401, 404)


def test_rotating_the_secret_ends_sessions_links_and_tokens(console: served.Console) -> None:
    cookie, bearer, path = console.cookie(), console.bearer(), link(console)
    assert console.ask("/api/status", cookie).status == 200
    vault.write(console.secrets, "console", "another secret altogether")
    assert console.ask("/api/status", cookie).status == 401
    assert console.ask("/api/status", bearer).status == 401
    assert console.ask(path).status == 401
    assert console.ask("/api/status", console.bearer()).status == 200


def test_the_feed_sends_everything_and_then_what_changed(console: served.Console) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", console.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/events", headers=console.bearer())
        reply = connection.getresponse()
        assert reply.headers["content-type"].startswith("text/event-stream")
        first, second = event(reply), event(reply)
    assert {"tiles", "services", "node-capture", "detail-marts", "commits"} <= set(first)
    assert "updated" in second and "node-checks" not in second


def event(reply: http.client.HTTPResponse) -> dict[str, str]:
    while not (line := reply.readline()).startswith(b"data: "):
        assert line
    found: dict[str, str] = json.loads(line.removeprefix(b"data: "))
    return found


def test_a_feed_too_many_is_refused(
    console: served.Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_VIEWS", 0)
    reply = console.ask("/events", console.bearer())
    assert (reply.status, reply.json["error"]["code"]) == (429, "console.too_many")


def test_a_path_or_method_that_is_not_ours(console: served.Console) -> None:
    absent = console.ask("/nothing", console.bearer())
    wrong = console.ask("/api/sql", console.bearer())
    assert (absent.status, absent.json["error"]["code"]) == (404, "console.no_page")
    assert (wrong.status, wrong.json["error"]["code"]) == (400, "console.bad_request")


def test_what_the_data_says_is_never_markup(console: served.Console) -> None:
    console.desk.trouble = True
    page = console.ask("/", console.bearer()).text
    console.desk.trouble = False
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "style=" not in page and "onclick" not in page
