"""The web application: routes, the guard around them, and what an error becomes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from tidewright import errors
from tidewright.console import answers, backend, catalog, guard, live, pages
from tidewright.model import jobs

log = logging.getLogger("tidewright.console")


def build(job: jobs.ConsoleJob, desk: backend.Desk, feed: live.Live) -> Starlette:
    """The application of one environment. The feed runs as long as the application does."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.create_task(feed.run())
        try:
            yield
        finally:
            feed.close()
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            desk.close()

    return Starlette(
        # The catalog's routes end in one that answers everything below /catalog.
        routes=[*pages.Pages(job, desk, feed).routes(), *catalog.Catalog(desk).routes()],
        middleware=[Middleware(guard.Guard, port=int(str(job.port)), keys=desk)],
        exception_handlers={
            errors.PlatformError: _known,
            HTTPException: _unrouted,
            Exception: _unforeseen,
        },
        lifespan=lifespan,
    )


async def _known(request: Request, reason: Exception) -> Response:
    if not isinstance(reason, errors.PlatformError):
        return await _unforeseen(request, reason)
    return answers.refusal(reason, request.url.path)


async def _unrouted(request: Request, reason: Exception) -> Response:
    wrong_method = isinstance(reason, HTTPException) and reason.status_code == 405
    if not wrong_method:
        return answers.refusal(answers.no_page(), request.url.path)
    if request.url.path.startswith(guard.CATALOG):
        return await _known(request, catalog.read_only())
    return answers.refusal(
        answers.bad_request("this path does not take that method"), request.url.path
    )


async def _unforeseen(request: Request, reason: Exception) -> Response:
    """The last resort. The text stays in the log: it may hold what the user must not see."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=reason)
    return answers.refusal(answers.broken(), request.url.path)
