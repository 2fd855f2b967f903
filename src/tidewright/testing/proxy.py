"""A TCP proxy before a real server, to lose exactly the answer that a test wants lost."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """``swallow_answer_to``: pass this request on, wait for its answer, then hang up unanswered."""

    def __init__(self, port: int) -> None:
        self.swallow_answer_to: bytes | None = None
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        self._start(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        for one in (self._listener, *self._sockets):
            # shutdown wakes the thread that waits in accept or recv; close alone does not.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # bound methods of this class
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                silent = threading.Event()
                self._start(self._requests, client, server, silent)
                self._start(self._answers, client, server, silent)

    def _requests(
        self, client: socket.socket, server: socket.socket, silent: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.swallow_answer_to and self.swallow_answer_to in data:
                    silent.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answers(
        self, client: socket.socket, server: socket.socket, silent: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if silent.is_set():
                    break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
