"""Superset in a browser: signed in as its administrator, a dashboard open, what it draws."""

from __future__ import annotations

import io
import json
import urllib.request
import zipfile
from collections.abc import Mapping
from typing import Any

from tests.e2e import webdriver
from tests.e2e.bank import Bank

SIGN_IN = """
const set = (input, text) => {
  // React listens to the property's own setter.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
  input.dispatchEvent(new Event('input', {bubbles: true}));
};
set(document.querySelector('input[type=text]'), 'admin');
set(document.querySelector('input[type=password]'), arguments[0]);
document.querySelector('button[type=submit], form button').click();
"""
FORM = "document.querySelector('input[type=password]') !== null"
INSIDE = "!location.pathname.startsWith('/login')"
# Pixels of a chart's canvas that are neither transparent nor grey: lines and bars, no axes.
COLOURED = """
[...document.querySelectorAll('canvas')].map(canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    const spread = Math.max(r, g, b) - Math.min(r, g, b);
    if (data[i + 3] > 0 && spread > 40) count++;
  }
  return count;
})
"""


def address(bank: Bank) -> str:
    """Where ``connect`` says that it is."""
    told = json.loads(bank.run("connect", "-o", "json").stdout)
    return next(e["url"] for e in told["endpoints"] if e["name"] == "superset")


def sign_in(browser: webdriver.Browser, bank: Bank) -> None:
    password = bank.run("connect", "--secret", "superset-admin").stdout.strip()
    browser.open(address(bank) + "login/")
    browser.until(FORM, 240)
    browser.script(SIGN_IN, password)
    browser.until(INSIDE, 240)


class Interface:
    """Its REST interface, as the administrator."""

    def __init__(self, bank: Bank) -> None:
        self._root = address(bank) + "api/v1/"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        password = bank.run("connect", "--secret", "superset-admin").stdout.strip()
        login = {"username": "admin", "password": password, "provider": "db"}
        told = self.ask("security/login", json.dumps(login).encode(), "application/json")
        self._headers = {"Authorization": f"Bearer {told['access_token']}"}
        self._headers["X-CSRFToken"] = self.ask("security/csrf_token/")["result"]

    _headers: Mapping[str, str] = {}

    def ask(self, path: str, body: bytes | None = None, kind: str = "text/plain") -> Any:
        headers = {**self._headers, "Content-Type": kind, "Referer": self._root}
        asked = urllib.request.Request(self._root + path, body, headers)
        with self._opener.open(asked, timeout=120) as answer:
            return json.load(answer)

    def bring(self, assets: Mapping[str, str]) -> None:
        """Import assets as its own export would be."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path, text in assets.items():
                archive.writestr(f"assets/{path}", text)
        edge = "tidewright-edge"
        head = f'--{edge}\r\nContent-Disposition: form-data; name="bundle"; filename="a.zip"\r\n'
        head += "Content-Type: application/zip\r\n\r\n"
        body = head.encode() + packed.getvalue() + f"\r\n--{edge}--\r\n".encode()
        self.ask("assets/import/", body, f"multipart/form-data; boundary={edge}")

    def names(self, what: str, column: str) -> set[str]:
        """The names of all charts or dashboards."""
        found = self.ask(f"{what}/?q=(page_size:100)")["result"]
        return {str(one[column]) for one in found}
