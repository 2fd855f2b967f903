"""The error families and their exit codes.

    PlatformError
    ├── Bug            1  a defect of ours
    ├── SpecError      2  the file or the command line is wrong; carries all findings at once
    │   └── UnsupportedFile  3  every finding is about something that is not built yet
    ├── Unsupported    3  not possible on this machine or target
    ├── Refused        4  unsafe or conflicting; nothing was changed
    ├── StepFailed     5  a step of an operation failed
    ├── TimedOut       6  something did not happen in time
    └── PromiseBroken  7  it ran, and a promise did not hold

``Transient`` is a marker beside the family: the same act may succeed later. Codes are stable,
listed with cause and remedy in ``codes``; texts may change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Where:
    """A place: a file position (1-based), or a name such as ``service capture``."""

    name: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.name, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: its code, what is true, where, and what to do about it."""

    code: str
    what: str
    where: Where
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.code}]\n    {self.hint}"

    @property
    def line(self) -> str:
        """The same in one line, for a status and a log."""
        return f"{self.where}: {self.what} [{self.code}]. {self.hint}"


class PlatformError(Exception):
    """Root of every error that a user may see; ``exit_code`` is the process's."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, what: str, where: Where | str, hint: str) -> None:
        place = Where(where) if isinstance(where, str) else where
        self.finding = Finding(code, what, place, hint)
        super().__init__(str(self.finding))

    @property
    def code(self) -> str:
        return self.finding.code

    @property
    def what(self) -> str:
        return self.finding.what

    @property
    def hint(self) -> str:
        return self.finding.hint

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (self.finding,)


class Bug(PlatformError):
    exit_code = 1


class SpecError(PlatformError):
    """The file or the command line is wrong. Holds every finding, not the first.

    ``advice`` is worth doing as well, and would not have been an error alone.
    """

    exit_code = 2

    def __init__(self, findings: tuple[Finding, ...], advice: tuple[Finding, ...] = ()) -> None:
        first = findings[0]
        self.advice = advice
        super().__init__(first.code, first.what, first.where, first.hint)
        self._all = findings
        self.args = ("\n".join(str(f) for f in findings),)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._all


class UnsupportedFile(SpecError):
    """The file is right and asks only for what is not supported yet."""

    exit_code = 3


class Unsupported(PlatformError):
    exit_code = 3


class Refused(PlatformError):
    exit_code = 4


class StepFailed(PlatformError):
    exit_code = 5


class TimedOut(PlatformError):
    exit_code = 6


class PromiseBroken(PlatformError):
    exit_code = 7


class Transient(Exception):
    """Mixed into an error: trying again after ``after`` seconds may succeed."""

    after: float = 1.0
