"""The door: every refusal, on headers alone."""

from __future__ import annotations

import dataclasses

import pytest

from tidewright.console import guard

HOST = "127.0.0.1:8080"


class Keys:
    def opens(self, name: str, offered: str) -> bool:
        return offered == f"the {name} secret"

    def admits(self, session: str) -> bool:
        return session == "a good session"


PAGE = guard.Asked("GET", "/", HOST, session="a good session")
POST = guard.Asked(
    "POST", "/api/sql", HOST, f"http://{HOST}", "same-origin", "cors", None, "a good session"
)
BEARER = guard.Asked("POST", "/api/sql", HOST, bearer="the console secret")
CATALOG = guard.Asked("GET", "/catalog/v1/config", HOST, bearer="the catalog secret")


def verdict(asked: guard.Asked, **changes: object) -> str | None:
    refusal = guard.judge(dataclasses.replace(asked, **changes), 8080, Keys())  # type: ignore[arg-type]
    return refusal.code if refusal else None


@pytest.mark.parametrize("asked", [PAGE, POST, BEARER, CATALOG])
def test_who_has_a_key_comes_in(asked: guard.Asked) -> None:
    assert verdict(asked) is None
    assert verdict(asked, host="localhost:8080", origin=None) is None


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "127.0.0.1", "127.0.0.1:81", "", "127.0.0.1:8080.evil.example"]
)
@pytest.mark.parametrize("asked", [PAGE, POST, BEARER, CATALOG])
def test_another_host_name_is_refused_even_with_a_key(asked: guard.Asked, host: str) -> None:
    assert verdict(asked, host=host) == "console.host"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8081", ""])
def test_a_post_from_another_origin_is_refused(origin: str) -> None:
    assert verdict(POST, origin=origin) == "console.cross_site"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("asked", [POST, BEARER, CATALOG])
def test_what_the_browser_calls_another_site_is_refused(asked: guard.Asked, site: str) -> None:
    assert verdict(asked, origin=None, site=site) == "console.cross_site"


def test_a_link_on_another_site_may_lead_here_but_a_picture_may_not() -> None:
    assert verdict(PAGE, site="cross-site", mode="navigate") is None
    assert verdict(PAGE, site="cross-site", mode="no-cors") == "console.cross_site"


def test_a_form_on_another_site_may_not_post_although_it_navigates() -> None:
    assert verdict(POST, origin=None, site="cross-site", mode="navigate") == "console.cross_site"


def test_a_cookie_without_proof_of_our_page_changes_nothing() -> None:
    assert verdict(POST, origin=None, site=None) == "console.cross_site"


@pytest.mark.parametrize(
    "path", ["/", "/events", "/api/status", "/api/sql", "/metrics", "/sql.csv", "/x"]
)
@pytest.mark.parametrize("session", [None, "", "a forged session"])
def test_nobody_gets_past_the_door(path: str, session: str | None) -> None:
    assert verdict(PAGE, path=path, session=session) == "console.no_session"


def test_keys_open_their_own_door_only() -> None:
    assert verdict(CATALOG, bearer="the console secret") == "console.no_session"
    assert verdict(CATALOG, bearer=None, session="a good session") == "console.no_session"
    assert verdict(BEARER, bearer="the catalog secret") == "console.no_session"
    assert verdict(BEARER, bearer="the metrics secret") == "console.no_session"
    assert verdict(BEARER, path="/metrics", method="GET", bearer="the metrics secret") is None


def test_a_wrong_bearer_is_not_made_good_by_a_cookie() -> None:
    assert verdict(PAGE, bearer="wrong") == "console.no_session"


def test_the_probe_and_the_style_sheet_are_open_but_not_to_other_sites() -> None:
    assert verdict(PAGE, path="/healthz", session=None) is None
    assert verdict(PAGE, path="/static/app.css", session=None) is None
    assert (
        verdict(PAGE, path="/static/app.js", site="cross-site", mode="no-cors")
        == "console.cross_site"
    )
