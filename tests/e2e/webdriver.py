"""A headless Chromium by the WebDriver protocol, with the standard library alone.

It records every address the browser asked for, so that a test can say "nothing left the machine".
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FLAGS = (
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1",
)  # fmt: skip
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Right": "\ue014", "Escape": "\ue00c"}


def missing() -> str | None:
    """What is not installed, if anything: the reason to skip."""
    absent = [p for p in ("chromium", "chromedriver") if shutil.which(p) is None]
    return (
        f"not installed: {', '.join(absent)} (apt-get install chromium chromium-driver)"
        if absent
        else None
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Browser:
    """``with Browser() as browser: browser.open(url)``."""

    def __init__(self, width: int = 1280, height: int = 900, patience: float = 60) -> None:
        self._folder = tempfile.mkdtemp(prefix="tidewright-browser-")
        self._size = width, height
        self._patience = patience  # seconds for one command, such as loading a page

    def __enter__(self) -> Browser:
        port = free_port()
        self._root = f"http://127.0.0.1:{port}"
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_for_driver()
        self._root += f"/session/{self._start()}"
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._send("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()
            shutil.rmtree(self._folder, ignore_errors=True)

    def open(self, url: str) -> None:
        self._send("POST", "/url", {"url": url})

    def script(self, source: str, *arguments: object) -> Any:
        """The value that a piece of JavaScript returns."""
        return self._send("POST", "/execute/sync", {"script": source, "args": arguments})

    def until(self, source: str, seconds: float = 10) -> Any:
        """The first true value of the script; a test fails when there is none in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.script(f"return {source}"):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not true within {seconds} s: {source}")

    def press(self, *keys: str) -> None:
        """Keys one after the other, by name or as characters."""
        actions = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        self._send(
            "POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]}
        )

    def scheme(self, name: str) -> None:
        """``light`` or ``dark``, as the system would say."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self._cdp("Emulation.setEmulatedMedia", {"features": features})

    def picture(self, file: Path, height: int | None = None) -> None:
        """A PNG of the page from its top, ``height`` pixels or all of it."""
        full = height or int(self.script("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": self._size[0], "height": full, "scale": 1}
        found = self._cdp("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
        file.write_bytes(base64.b64decode(found["data"]))

    def addresses(self) -> Iterator[str]:
        """Every URL that was asked for since the last call."""
        for entry in self._send("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                yield message["params"]["request"]["url"]

    def refused(self) -> set[str]:
        """Hosts that the page's own policy kept the browser from asking."""
        found = " ".join(text for text in self.complaints() if "Content Security Policy" in text)
        return {str(urlsplit(url).hostname) for url in re.findall(r"https?://[^'\"\s]+", found)}

    def complaints(self) -> list[str]:
        """What the browser's console says: script errors and policy violations."""
        return [entry["message"] for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def _cdp(self, command: str, parameters: dict[str, Any]) -> Any:
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _start(self) -> str:
        flags = [
            *FLAGS,
            f"--user-data-dir={self._folder}",
            "--window-size={},{}".format(*self._size),
        ]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": flags},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }
        found = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        return str(found["sessionId"])

    def _wait_for_driver(self) -> None:
        for _ in range(200):
            try:
                self._send("GET", "/status")
                return
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("chromedriver does not answer")

    def _send(self, method: str, path: str, body: object = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._root + path, data, method=method)
        with urllib.request.urlopen(request, timeout=self._patience) as reply:
            return json.load(reply)["value"]
