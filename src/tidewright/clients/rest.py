"""JSON over HTTP with an engine of ours, on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tidewright import errors

SECONDS = 20.0
# An engine of ours is on this machine, whatever proxy the user's shell names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> Any:
    """The answer; None: there is nothing of that name."""
    try:
        return _ask(urllib.request.Request(url))  # noqa: S310  an address of our own services
    except urllib.error.HTTPError as reason:
        if reason.code == 404:
            reason.close()
            return None
        raise _refused(url, reason) from None


def put(url: str, body: Mapping[str, Any]) -> Any:
    """Raises StepFailed with what the engine says."""
    return _send(url, "PUT", json.dumps(body).encode())


def post(url: str) -> Any:
    """The same, with nothing to say but the address."""
    return _send(url, "POST", b"")


def _send(url: str, method: str, data: bytes) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)  # noqa: S310  the same
    try:
        return _ask(request)
    except urllib.error.HTTPError as reason:
        raise _refused(url, reason) from None


def _ask(request: urllib.request.Request) -> Any:
    try:
        with _DIRECT.open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as reason:
        raise errors.StepFailed(
            "local.engine_silent",
            f"an engine does not answer: {reason}",
            request.full_url,
            "Look at its log with `tidewright logs`; it is tried again by itself.",
        ) from None


def _refused(url: str, reason: urllib.error.HTTPError) -> errors.StepFailed:
    with reason:
        text = reason.read().decode(errors="replace")
    with contextlib.suppress(ValueError, KeyError, TypeError):  # not JSON: all of it is the reason
        text = str(json.loads(text)["message"])
    return errors.StepFailed(
        "local.engine_refused",
        f"the engine refused it ({reason.code}): {text.strip()[:500]}",
        url,
        "Correct what it says, then run `tidewright up` again.",
    )
