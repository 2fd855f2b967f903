"""``python -m tidewright.pipelines.receive --job FILE``: receive events until told to end."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from tidewright import errors
from tidewright.clients import postgres
from tidewright.model import codec, jobs
from tidewright.pipelines.core import faults
from tidewright.pipelines.receive import crowd, front, judge, report, writer
from tidewright.vault import files as vault

log = logging.getLogger("receive")


def main() -> int:
    """0 when asked to end; the error family's code when it cannot begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(prog="tidewright.pipelines.receive")
    parser.add_argument("--job", type=Path, required=True)
    # Before and after uvicorn's own handlers a SIGTERM is a clean end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        job = codec.loads(jobs.ReceiveJob, parser.parse_args().job.read_text())
        return serve(job)
    except errors.PlatformError as reason:
        log.error("%s", reason.finding.line)
        return reason.exit_code


def serve(job: jobs.ReceiveJob) -> int:
    """Serve the endpoint until SIGTERM or SIGINT."""
    check = judge.compile_schema(read_schema(Path(str(job.schema))), str(job.schema))
    token = vault.read(str(job.secrets), job.token.name)
    guests = crowd.Crowd(crowd.allow())
    listener = _listen(int(str(job.port)))
    store = writer.Writer(
        lambda: postgres.connect(job.topics, str(job.secrets), connect_timeout=3),
        writer.Place(job.topic, job.rejects),
        faults.from_environment(os.environ, faults.RECEIVING),
    )
    store.start()
    app = front.Front(job.path, token, check, store)
    config = uvicorn.Config(
        app, http=crowd.of(guests), ws="none", loop="asyncio", lifespan="off",
        log_config=None, access_log=False, server_header=False, date_header=False,
        proxy_headers=False, timeout_keep_alive=30, timeout_graceful_shutdown=5, backlog=1024,
    )  # fmt: skip
    log.info("receiving at http://127.0.0.1:%d%s", int(str(job.port)), job.path)
    asyncio.run(_serve(uvicorn.Server(config), listener, report.Report(job, app, store, guests)))
    store.stop()
    return 0


async def _serve(server: uvicorn.Server, listener: socket.socket, voice: report.Report) -> None:
    watching = [asyncio.create_task(voice.crowd.watch()), asyncio.create_task(voice.run())]
    try:
        await server.serve(sockets=[listener])
    finally:
        for task in watching:
            task.cancel()
        voice.stopped()


def read_schema(file: Path) -> object:
    """The JSON Schema of one event. Raises Refused."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise errors.Refused(
            "topic.schema", f"the schema cannot be read: {reason}", str(file),
            "Write a JSON Schema (draft 7) of one event, whole in this one file.",
        ) from None  # fmt: skip


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as reason:
        listener.close()
        what = f"port {port} cannot be used: {reason.strerror}"
        hint = "Stop the program that uses it, or run `tidewright stop` and `tidewright up`."
        raise errors.Refused("topic.port_in_use", what, f"127.0.0.1:{port}", hint) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
