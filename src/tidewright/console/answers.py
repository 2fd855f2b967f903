"""What goes back: the one JSON shape of an error, the sign-in page, and statuses per code.

Iceberg's clients expect their own shape, so that below ``/catalog/`` errors take that one.
"""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response

from tidewright import errors
from tidewright.console import paper

STATUSES = {
    "console.host": 403,
    "console.cross_site": 403,
    "console.no_session": 401,
    "console.bad_link": 401,
    "console.bad_request": 400,
    "console.no_page": 404,
    "console.no_table": 404,
    "console.no_namespace": 404,
    "console.read_only": 403,
    "console.too_many": 429,
    "console.sql_busy": 429,
    "console.sql_refused": 422,
    "console.sql_syntax": 422,
    "console.sql_failed": 422,
    "console.sql_memory": 413,
    "console.sql_time": 504,
    "console.database": 503,
}
ICEBERG_TYPES = {
    400: "BadRequestException",
    401: "NotAuthorizedException",
    403: "ForbiddenException",
    503: "ServiceUnavailableException",
}
_ICEBERG_MISSING = {
    "console.no_table": "NoSuchTableException",
    "console.no_namespace": "NoSuchNamespaceException",
}


def refusal(reason: errors.PlatformError, path: str, mode: str | None = None) -> Response:
    """The answer for an error, in the shape that whoever asked ``path`` expects."""
    if path.startswith("/catalog/"):
        return _iceberg(reason)
    if path in ("/", "/login") and (mode in (None, "navigate")) and _is_door(reason):
        return sign_in(reason)
    return JSONResponse({"error": fields(reason)}, status_of(reason))


def fields(reason: errors.PlatformError) -> dict[str, str]:
    """The one JSON shape of an error, the same as the CLI's."""
    found = reason.finding
    return {
        "code": found.code,
        "what": found.what,
        "where": str(found.where),
        "hint": found.hint,
    }


def status_of(reason: errors.PlatformError) -> int:
    """The HTTP status of an error; what is not listed is a failure of ours to serve."""
    return STATUSES.get(reason.code, 500)


def sign_in(reason: errors.PlatformError) -> Response:
    """The page for somebody without a session: how to get one."""
    return HTMLResponse(paper.render("door.html", reason=reason.finding), status_of(reason))


def broken() -> errors.Bug:
    """For the user, when something unforeseen happened: the details stay in the log."""
    what = "the console made a mistake; its log has the details"
    return errors.Bug("console.broken", what, "the console", "Reload the page.")


def bad_request(what: str) -> errors.Refused:
    """A request that cannot be read."""
    return errors.Refused(
        "console.bad_request", what, "the request", "See docs/how-to/use-the-console.md."
    )


def no_page() -> errors.Refused:
    """A path that is not ours."""
    what = "there is no such page"
    return errors.Refused(
        "console.no_page", what, "the console", "Start at the console's first page."
    )


def _is_door(reason: errors.PlatformError) -> bool:
    return reason.code in ("console.no_session", "console.bad_link")


def _iceberg(reason: errors.PlatformError) -> Response:
    status = status_of(reason)
    kind = _ICEBERG_MISSING.get(reason.code) or ICEBERG_TYPES.get(status, "InternalServerError")
    error = {"message": f"{reason.what} [{reason.code}]", "type": kind, "code": status}
    return JSONResponse({"error": error}, status)
