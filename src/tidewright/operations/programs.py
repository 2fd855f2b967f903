"""What the platform's components run that is not Python: there before anything is started."""

from __future__ import annotations

from collections.abc import Callable

from tidewright import errors
from tidewright.assemble import catalog
from tidewright.clients import jdk
from tidewright.clients import programs as clients
from tidewright.model import components
from tidewright.model import platform as nouns
from tidewright.targets.local import machine

Say = Callable[[str], None]
# What PostgreSQL, the workload and the console take beside the engines.
REST_MB = 500


def ensure(platform: nouns.Platform, say: Say, *, running: bool) -> None:
    """Have every program and a Java for each. ``running``: the engines hold their memory already.

    Raises Refused when this machine has not enough memory, and what ``clients.programs`` raises.
    """
    names = dict.fromkeys(s.component for s in platform.services)
    used = [catalog.component(n) for n in names if n in catalog.COMPONENTS]
    engines = [c for c in used if c.memory_mb]
    if engines and not running:
        _memory(engines)
    for java in {c.java.name: c.java for c in engines if c.java is not None}.values():
        jdk.ensure(java, say)
    for component in engines:
        for program in component.programs:
            clients.install(program, say)


def _memory(engines: list[components.Component]) -> None:
    """Said before anything is fetched: engines that are killed for memory say nothing at all."""
    wanted = sum(c.memory_mb for c in engines) + REST_MB
    free = machine.free_mb()
    if free < wanted:
        each = ", ".join(f"{c.title} {c.memory_mb} MB" for c in engines)
        raise errors.Refused(
            "local.memory",
            f"{wanted} MB of memory are needed and {free} MB are free: {each},"
            f" the rest {REST_MB} MB",
            "this machine",
            "End what else runs here, or start an environment with the embedded engines, which take"
            " a fraction of it.",
        )
