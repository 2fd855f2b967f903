"""The console's routes for people and programs; the catalog's are in ``catalog``."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tidewright import errors
from tidewright.console import answers, backend, guard, live, paper, sheets
from tidewright.model import codec, jobs, views

LARGEST_BODY = 64_000
_WEEK = 7 * 24 * 3600


class Pages:
    """Handlers over one desk and one live feed."""

    def __init__(self, job: jobs.ConsoleJob, desk: backend.Desk, feed: live.Live) -> None:
        self._job = job
        self._desk = desk
        self._feed = feed

    def routes(self) -> list[Route]:
        """Path, handler and method of each."""
        return [
            Route("/", self.home),
            Route("/login", self.login, methods=["POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/events", self.events),
            Route("/api/status", self.status),
            Route("/api/tables", self.tables),
            Route("/api/sql", self.sql, methods=["POST"]),
            Route("/sql.csv", self.sql_csv, methods=["POST"]),
            Route("/metrics", self.metrics),
            Route("/healthz", self.healthz),
            Route("/static/{name}", self.static),
        ]

    async def home(self, request: Request) -> Response:
        """The page; with a link's token first a session and a clean address."""
        if "token" in request.query_params:
            return self._enter(self._desk.redeem(request.query_params["token"]))
        board = await self._feed.page()
        return HTMLResponse(paper.render("page.html", board=board, job=self._job))

    async def login(self, request: Request) -> Response:
        """The secret itself, from the form of the sign-in page."""
        form = await _form(request)
        return self._enter(self._desk.opens("console", form.get("token", "")))

    async def logout(self, request: Request) -> Response:
        """Forget the session's cookie in this browser."""
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(guard.cookie_name(int(str(self._job.port))), samesite="strict")
        return answer

    async def events(self, request: Request) -> Response:
        """The live feed of one page."""
        if self._feed.full:
            hint = "Close other tabs of the console."
            raise errors.Refused("console.too_many", "too many live views", "the console", hint)
        return StreamingResponse(self._feed.events(), media_type="text/event-stream")

    async def status(self, request: Request) -> Response:
        """Everything observed, as JSON."""
        seen = await asyncio.to_thread(self._desk.observe)
        return JSONResponse(codec.encode(seen))

    async def tables(self, request: Request) -> Response:
        """The tables that a SELECT may name."""
        return JSONResponse({"tables": await asyncio.to_thread(self._desk.tables)})

    async def sql(self, request: Request) -> Response:
        """One SELECT; the answer as JSON."""
        return JSONResponse(codec.encode(await self._ask(request)))

    async def sql_csv(self, request: Request) -> Response:
        """One SELECT; the answer as a CSV file."""
        text = sheets.csv_text(await self._ask(request))
        headers = {"content-disposition": 'attachment; filename="tidewright.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    async def metrics(self, request: Request) -> Response:
        """The metrics page in Prometheus' text format."""
        text = await asyncio.to_thread(self._desk.metrics)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthz(self, request: Request) -> Response:
        """For the supervisor's probe: nothing but that we answer."""
        return Response("ok\n", media_type="text/plain")

    async def static(self, request: Request) -> Response:
        """The style sheet, the script and the icon."""
        name = request.path_params["name"]
        content = paper.static(name)
        if content is None:
            raise answers.no_page()
        return Response(content, media_type=paper.STATIC[name])

    def _enter(self, welcome: bool) -> Response:
        if not welcome:
            what = "that link or token does not open this console"
            hint = "Run `tidewright open` for a new link."
            raise errors.Refused("console.bad_link", what, "the console", hint)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            guard.cookie_name(int(str(self._job.port))), self._desk.session(),
            max_age=_WEEK, httponly=True, samesite="strict", path="/",
        )  # fmt: skip
        return answer

    async def _ask(self, request: Request) -> views.Answer:
        form = await _form(request)
        if not form.get("sql", "").strip():
            raise answers.bad_request("the body holds no `sql`")
        return await asyncio.to_thread(self._desk.ask, form["sql"])


async def _form(request: Request) -> dict[str, str]:
    """The fields of a JSON object or an HTML form, size-limited before it is read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise answers.bad_request("the body is too large")
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            return {str(k): str(v) for k, v in json.loads(body).items()}
        return {k: v[0] for k, v in parse_qs(body.decode()).items()}
    except (ValueError, AttributeError):
        raise answers.bad_request("the body is neither JSON nor a form") from None
