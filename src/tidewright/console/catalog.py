"""Routes of the read-only Iceberg REST catalog under ``/catalog/v1``; its content is the desk's.

Everything that would write answers 403 in Iceberg's error shape, whatever the path.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidewright import errors
from tidewright.console import answers, backend, guard

ROOT = "/catalog/v1"
_ALL = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]


class Catalog:
    """Handlers over one desk. A namespace has one level, as everywhere in Tidewright."""

    def __init__(self, desk: backend.Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Reading paths first; the last one answers every other path and method."""
        one, table = "/namespaces/{namespace}", "/namespaces/{namespace}/tables/{table}"
        return [
            Route(f"{ROOT}/config", self.config),
            Route(f"{ROOT}/namespaces", self.namespaces),
            Route(f"{ROOT}{one}", self.namespace),
            Route(f"{ROOT}{one}/tables", self.tables),
            Route(f"{ROOT}{table}", self.table),
            Route("/catalog/{rest:path}", self.other, methods=_ALL),
        ]

    async def config(self, request: Request) -> Response:
        """Which calls there are."""
        return JSONResponse(self._desk.catalog_config())

    async def namespaces(self, request: Request) -> Response:
        """All namespaces."""
        parent = request.query_params.get("parent")
        return JSONResponse(await asyncio.to_thread(self._desk.namespaces, parent))

    async def namespace(self, request: Request) -> Response:
        """One namespace."""
        name = request.path_params["namespace"]
        found = await asyncio.to_thread(self._desk.namespace, name)
        return _nothing() if request.method == "HEAD" else JSONResponse(found)

    async def tables(self, request: Request) -> Response:
        """The tables of a namespace."""
        name = request.path_params["namespace"]
        return JSONResponse(await asyncio.to_thread(self._desk.catalog_tables, name))

    async def table(self, request: Request) -> Response:
        """A table's metadata."""
        names = request.path_params["namespace"], request.path_params["table"]
        found = await asyncio.to_thread(self._desk.catalog_table, *names)
        if request.method == "HEAD":
            return _nothing()
        return Response(found, media_type="application/json")

    async def other(self, request: Request) -> Response:
        """A write, or a path that Iceberg knows and we do not."""
        if request.method in guard.SAFE_METHODS:
            raise answers.no_page()
        raise read_only()


def read_only() -> errors.Refused:
    """The answer to every write."""
    what = "this catalog only reads; the capture worker is the only writer"
    return errors.Refused("console.read_only", what, "the catalog", "Read through this front.")


def _nothing() -> Response:
    return Response(status_code=204)
