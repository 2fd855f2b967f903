"""Who may ask: the console's door. ``judge`` decides on headers alone; ``Guard`` applies it.

Order: the host (DNS rebinding), the site that sent the request (cross-site), then who asks
(session cookie or bearer token). Nothing behind the door runs before all three agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import cookies
from typing import Protocol

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidewright import errors
from tidewright.console import answers

SAFE_METHODS = frozenset({"GET", "HEAD"})
OPEN_PATHS = frozenset({"/healthz", "/login"})
STATIC, CATALOG, METRICS = "/static/", "/catalog/", "/metrics"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Keys(Protocol):
    """What the door asks about keys; the desk answers."""

    def opens(self, name: str, offered: str) -> bool: ...
    def admits(self, session: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a request that decides whether it may come in."""

    method: str
    path: str
    host: str
    origin: str | None = None
    site: str | None = None
    mode: str | None = None
    bearer: str | None = None
    session: str | None = None
    ticket: bool = False


def cookie_name(port: int) -> str:
    """Cookies know no ports, so that two consoles on one machine need two names."""
    return f"tidewright_{port}"


def judge(asked: Asked, port: int, keys: Keys) -> errors.Refused | None:
    """None when the request may come in, else why not."""
    return _wrong_host(asked, port) or _other_site(asked) or _nobody(asked, keys)


def _wrong_host(asked: Asked, port: int) -> errors.Refused | None:
    if asked.host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        return None
    what = "the request was sent to another host name"
    return _refused("console.host", what, f"Open http://127.0.0.1:{port}/ instead.")


def _other_site(asked: Asked) -> errors.Refused | None:
    """A navigation may come from anywhere (a link in a mail); nothing else may."""
    if asked.origin is not None and asked.origin != f"http://{asked.host}":
        return _cross_site()
    if asked.site in (None, "same-origin", "none"):
        return None
    if asked.method in SAFE_METHODS and asked.mode == "navigate":
        return None
    return _cross_site()


def _nobody(asked: Asked, keys: Keys) -> errors.Refused | None:
    if asked.path in OPEN_PATHS or asked.path.startswith(STATIC) or asked.ticket:
        return None
    if asked.path.startswith(CATALOG):
        known = asked.bearer is not None and keys.opens("catalog", asked.bearer)
        return None if known else _stranger("catalog")
    if asked.bearer is not None:
        names = ("console", "metrics") if asked.path == METRICS else ("console",)
        return None if any(keys.opens(n, asked.bearer) for n in names) else _stranger("console")
    if asked.session is None or not keys.admits(asked.session):
        return _stranger("console")
    return None if _proven(asked) else _cross_site()


def _proven(asked: Asked) -> bool:
    """A cookie alone changes nothing: the browser must also say that our own page sent it."""
    if asked.method in SAFE_METHODS:
        return True
    return asked.origin is not None or asked.site == "same-origin"


def _cross_site() -> errors.Refused:
    hint = "Open the console in a tab of its own."
    return _refused("console.cross_site", "another web site sent this request", hint)


def _stranger(name: str) -> errors.Refused:
    hint = f"Run `tidewright open`, or send the secret `{name}` as a bearer token."
    return _refused("console.no_session", "you are not signed in", hint)


def _refused(code: str, what: str, hint: str) -> errors.Refused:
    return errors.Refused(code, what, "the console", hint)


class Guard:
    """ASGI middleware: judges each request and sets the headers of each answer."""

    def __init__(self, app: ASGIApp, port: int, keys: Keys) -> None:
        self._app = app
        self._port = port
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        asked = _asked(scope, self._port)
        refusal = judge(asked, self._port, self._keys)
        if refusal is None:
            await self._app(scope, receive, dressed)
        else:
            await answers.refusal(refusal, asked.path, asked.mode)(scope, receive, dressed)


def _asked(scope: Scope, port: int) -> Asked:
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    path = scope["path"]
    return Asked(
        method=scope["method"],
        path=path,
        host=headers.get("host", ""),
        origin=headers.get("origin"),
        site=headers.get("sec-fetch-site"),
        mode=headers.get("sec-fetch-mode"),
        bearer=token.strip() if scheme.lower() == "bearer" else None,
        session=_cookie(headers.get("cookie", ""), cookie_name(port)),
        ticket=path == "/" and scope["query_string"].startswith(b"token="),
    )


def _cookie(header: str, name: str) -> str | None:
    try:
        found = cookies.SimpleCookie(header).get(name)
    except cookies.CookieError:
        return None
    return found.value if found else None
