"""Signs of life while one step takes long: a frozen server is named, and we do not look dead.

``loop`` says what it begins; a thread repeats that in the status file for as long as it lasts.
After ``LONGEST`` without any progress it falls silent, so that the supervisor starts us again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

QUIET, SLOW, LONGEST = 3.0, 8.0, 300.0

Tell = Callable[[str, bool], None]


class Patience:
    """``with Patience(tell, progress) as p``; ``tell`` gets a message and whether all is well.

    ``progress`` is any number that changes while a long step gets on.
    """

    def __init__(
        self, tell: Tell, progress: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._progress = progress
        self._clock = clock
        self._step = ("", 0.0)
        self._seen = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="patience", daemon=True)

    def __enter__(self) -> Patience:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.set()
        self._thread.join()

    def begin(self, what: str) -> None:
        """From now on we do ``what``; called often, so it only takes a note."""
        self._step = (what, self._clock())

    def look(self) -> None:
        """Speak if the present step lasts for long."""
        step, now = self._step, self._clock()
        if self._progress() != self._seen:
            self._seen = self._progress()
            self._step = (step[0], now)
            return
        waited = now - step[1]
        if step[0] and QUIET <= waited < LONGEST:
            self._tell(f"{step[0]} ({waited:.0f} s so far)", waited < SLOW)

    def _run(self) -> None:
        while not self._ending.wait(1.0):
            self.look()
