"""The console in a real browser: sign-in, live parts, keyboard, both colour schemes, no leak.

The pictures go to docs/assets when TIDEWRIGHT_PICTURES names that folder, and into
TIDEWRIGHT_CI_OUT in CI. To make them again:

    TIDEWRIGHT_PICTURES=docs/assets pytest -m heavy tests/e2e/test_console_browser.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e import webdriver
from tests.unit.console import served
from tidewright.operations import console_keys

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(webdriver.missing() is not None, reason=str(webdriver.missing())),
]
LIVE = "document.getElementById('link').className === 'dot live'"
TEXT = "document.querySelector('[data-live=\"{}\"]').textContent"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Console]:
    secrets = tmp_path_factory.mktemp("browser") / "secrets"
    with served.serving(served.fake(secrets), secrets) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Browser]:
    with webdriver.Browser() as found:
        yield found


@pytest.fixture
def page(console: served.Console, browser: webdriver.Browser) -> webdriver.Browser:
    browser.open(console_keys.link(console.secrets, console.port))
    browser.until(LIVE)
    browser.until(TEXT.format("commits") + ".includes('0/')")
    return browser


def focus(page: webdriver.Browser) -> str:
    return str(page.script("return document.activeElement.id"))


def test_a_link_signs_in_and_leaves_a_clean_address(
    page: webdriver.Browser, console: served.Console
) -> None:
    assert page.script("return location.href") == f"{console.origin}/"
    assert page.script("return document.cookie") == ""


def test_the_page_lives(page: webdriver.Browser, console: served.Console) -> None:
    before = page.script(f"return {TEXT.format('updated')}")
    page.until(f"{TEXT.format('updated')} !== {before!r}")
    console.desk.trouble = True
    page.until("document.querySelector('.problems') !== null")
    page.until(f"{TEXT.format('state')}.includes('degraded')")
    assert page.script("return document.querySelectorAll('.sample script').length") == 0
    console.desk.trouble = False
    page.until("document.querySelector('.problems') === null")


def test_the_map_works_by_keyboard_and_keeps_focus_while_it_lives(page: webdriver.Browser) -> None:
    page.script("document.getElementById('node-source').focus()")
    page.press("Right", "Enter")
    assert focus(page) == "node-capture"
    assert page.script("return document.getElementById('detail-capture').hidden") is False
    before = page.script(f"return {TEXT.format('updated')}")
    page.until(f"{TEXT.format('updated')} !== {before!r}")
    assert focus(page) == "node-capture"
    page.press("Escape")
    assert page.script("return document.getElementById('detail-capture').hidden") is True


def test_tab_reaches_everything_in_order(page: webdriver.Browser) -> None:
    page.script("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen = []
    for _ in range(22):
        page.press("Tab")
        seen.append(
            page.script("const e = document.activeElement; return e.id || e.textContent.trim()")
        )
    expected = ["node-source", "node-capture", "node-current", "node-raw", "node-models"]
    expected += ["node-checks", "node-marts", "statement", "run", "csv"]
    assert [name for name in seen if name in expected] == expected


def test_the_box_shows_an_answer_as_text(page: webdriver.Browser) -> None:
    page.script("document.getElementById('statement').focus()")
    page.script("document.getElementById('statement').value = 'select 1'")
    page.script("document.getElementById('run').click()")
    page.until("document.querySelector('#answer table') !== null")
    cells = "return [...document.querySelectorAll('#answer td')].map(c => c.textContent)"
    assert page.script(cells) == ["-7", "=cmd()", "2", "null"]


def test_both_schemes_are_drawn_and_kept(page: webdriver.Browser, tmp_path: Path) -> None:
    grounds = []
    time.sleep(6)  # so that the lines at the top have something to show
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        grounds.append(page.script("return getComputedStyle(document.body).backgroundColor"))
        file = tmp_path / f"console-{scheme}.png"
        page.script("window.scrollTo(0, 0); document.activeElement.blur()")
        page.picture(file, 1240)
        assert 20_000 < file.stat().st_size < 300_000
        for variable in ("TIDEWRIGHT_PICTURES", "TIDEWRIGHT_CI_OUT"):
            if folder := os.environ.get(variable):
                Path(folder).mkdir(parents=True, exist_ok=True)
                (Path(folder) / file.name).write_bytes(file.read_bytes())
    page.scheme("light")
    assert len(set(grounds)) == 2


def test_a_forged_cookie_shows_the_door(page: webdriver.Browser, console: served.Console) -> None:
    page.script("return fetch('/logout', {method: 'POST'}).then(() => true)")
    page.open(f"{console.origin}/")
    assert "Sign in" in page.script("return document.body.textContent")


def test_nothing_left_the_machine_and_no_policy_was_broken(
    page: webdriver.Browser, console: served.Console
) -> None:
    asked = {urlsplit(url) for url in page.addresses()}
    hosts = {url.netloc for url in asked if url.scheme not in ("chrome", "data", "about", "blob")}
    assert hosts == {f"127.0.0.1:{console.port}"}
    # The browser reports each 401 of the test before this one; nothing else may be there.
    assert [c for c in page.complaints() if "401" not in c] == []
