"""``python -m tidewright.console --job FILE``: serve until told to stop; exit 0 on SIGTERM."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn

from tidewright import errors
from tidewright.console import app, backend, live
from tidewright.model import codec, jobs

MOST_CONNECTIONS = 128
log = logging.getLogger("tidewright.console")


class Server(uvicorn.Server):
    """Ends the live feeds first: they would keep the server from closing."""

    feed: live.Live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.feed.close()
        super().handle_exit(sig, frame)


def main() -> int:
    """Read the job, bind the port, serve."""
    parser = argparse.ArgumentParser(prog="python -m tidewright.console")
    parser.add_argument("--job", type=Path, required=True)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # Before and after uvicorn's own handlers a SIGTERM is a clean end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        return serve(read_job(parser.parse_args().job))
    except errors.PlatformError as reason:
        sys.stderr.write(f"{reason}\n")
        return reason.exit_code


def read_job(file: Path) -> jobs.ConsoleJob:
    """The job of this process. Raises SpecError when the file is not one."""
    try:
        return codec.loads(jobs.ConsoleJob, file.read_text())
    except (OSError, ValueError, TypeError) as reason:
        what = f"the console cannot read its job: {type(reason).__name__}"
        found = errors.Finding("console.job", what, errors.Where(str(file)), "Run `tidewright up`.")
        raise errors.SpecError((found,)) from None


def serve(job: jobs.ConsoleJob) -> int:
    """Serve one environment's console until SIGTERM or SIGINT."""
    port = int(str(job.port))
    listener = listen(port)
    desk = backend.open_desk(job)
    feed = live.Live(desk)
    config = uvicorn.Config(
        app.build(job, desk, feed), http="h11", ws="none", loop="asyncio", lifespan="on",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=5, timeout_graceful_shutdown=2, limit_concurrency=MOST_CONNECTIONS,
    )  # fmt: skip
    server = Server(config)
    server.feed = feed
    log.info("serving on http://127.0.0.1:%d", port)
    server.run(sockets=[listener])
    return 0


def listen(port: int) -> socket.socket:
    """A listening socket on loopback. Raises Refused when the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as reason:
        listener.close()
        what = f"port {port} cannot be used: {reason.strerror}"
        hint = "Stop the program that uses it, or run `tidewright stop` and `tidewright up`."
        raise errors.Refused("console.port_in_use", what, f"127.0.0.1:{port}", hint) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
