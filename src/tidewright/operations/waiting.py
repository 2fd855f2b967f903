"""Waiting for a supervisor: until all is healthy, or all is stopped, with lines of progress."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tidewright import errors
from tidewright.model import observed
from tidewright.operations import heard, lasting
from tidewright.targets.local import description, driver, layout

Say = Callable[[str], None]
POLL = 0.05


@dataclass(slots=True)
class Teller:
    """Says each change of a service's state once."""

    say: Say
    _said: dict[str, tuple[str, str]] = field(default_factory=dict)

    def tell(self, services: tuple[observed.ServiceState, ...]) -> None:
        for service in services:
            reason = service.message if service.state in _TELLING else ""
            # The seconds until the next start differ each time; the reason is what matters.
            key = (service.state, reason.rpartition("; starts again")[0] or reason)
            if service.state not in _PASSING and self._said.get(service.name) != key:
                self._said[service.name] = key
                self.say(f"  {service.name:<16} {service.state}{': ' * bool(reason)}{reason}")


# On the way to something: not worth a line each time a service is started again.
_PASSING = ("waiting", "starting")
_TELLING = ("backoff", "unhealthy", "failed")


def until_healthy(
    place: layout.Layout,
    wanted: description.Description,
    teller: Teller,
    seconds: float,
    word: heard.Word | None = None,
) -> observed.SupervisorStatus:
    """Wait until all services of ``wanted`` are healthy. Raises TimedOut with every reason.

    Raises StepFailed at once for what a service says that no waiting mends. ``word``: what must
    be heard as well.
    """
    digest, watch = wanted.digest, lasting.Watch()
    deadline = time.monotonic() + seconds
    while True:
        status = driver.status(place)
        # A status of before, or of a supervisor that is gone, says nothing about ``wanted``.
        if status is not None and status.description == digest and driver.runs(place, status):
            teller.tell(status.services)
            if all(s.healthy for s in status.services):
                if word is None or word.settled(status):
                    return status
            elif reason := watch.look(wanted, status):
                raise reason
        if not driver.running(place):
            raise _ended(place)
        if time.monotonic() > deadline:
            raise _late(place, status, seconds)
        time.sleep(POLL)


def attend(place: layout.Layout, teller: Teller) -> None:
    """Say what changes until Ctrl-C, or until somebody stops the platform."""
    with contextlib.suppress(KeyboardInterrupt):
        while driver.running(place):
            status = driver.status(place)
            if status is not None:
                teller.tell(status.services)
            time.sleep(POLL)


def until_running(place: layout.Layout, seconds: float) -> bool:
    """Wait for a supervisor that may be starting; False when none came."""
    deadline = time.monotonic() + seconds
    while not driver.running(place):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def until_stopped(place: layout.Layout, teller: Teller, seconds: float) -> None:
    """Wait until the supervisor is gone; it insists with each service after its own deadline."""
    deadline = time.monotonic() + seconds
    while driver.running(place):
        status = driver.status(place)
        if status is not None and status.state == "stopping":
            teller.tell(tuple(s for s in status.services if s.state == "stopped"))
        if time.monotonic() > deadline:
            raise errors.TimedOut(
                "local.not_stopped",
                f"the platform did not stop within {seconds:.0f} s",
                str(place.root),
                "Run `tidewright stop` again, or look at `tidewright logs supervisor`.",
            )
        time.sleep(POLL)


def _late(
    place: layout.Layout, status: observed.SupervisorStatus | None, seconds: float
) -> errors.PlatformError:
    late = [s for s in status.services if not s.healthy] if status else []
    taken = next((s for s in late if "is in use by another program" in s.message), None)
    if taken is not None:
        return errors.StepFailed(
            "local.port_in_use",
            taken.message.partition(";")[0],
            f"service {taken.name}",
            "Run `tidewright up` again: it chooses another port.",
        )
    reasons = "; ".join(f"{s.name} is {s.state}{': ' * bool(s.message)}{s.message}" for s in late)
    first = late[0].name if late else "supervisor"
    return errors.TimedOut(
        "local.not_healthy",
        f"not everything is healthy after {seconds:.0f} s: {reasons or 'no status yet'}",
        str(place.root),
        f"It goes on trying. See `tidewright logs {first}`; `tidewright stop` ends it.",
    )


def _ended(place: layout.Layout) -> errors.StepFailed:
    return errors.StepFailed(
        "local.supervisor",
        "the supervisor ended while we waited",
        str(place.root),
        "See `tidewright logs supervisor`; another shell may have stopped it.",
    )
