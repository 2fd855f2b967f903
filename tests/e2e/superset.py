"""Superset in a browser: signed in as its administrator, a dashboard open, what it draws."""

from __future__ import annotations

import json

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
