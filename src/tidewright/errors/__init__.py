"""Every error a user can see.

``kinds`` has the few classes, ``codes`` the stable codes with their documentation. A message
says what is true, where, and what to do; no class exists per message.
"""

from tidewright.errors.kinds import (
    Bug,
    Finding,
    PlatformError,
    PromiseBroken,
    Refused,
    SpecError,
    StepFailed,
    TimedOut,
    Transient,
    Unsupported,
    UnsupportedFile,
    Where,
)

__all__ = [
    "Bug",
    "Finding",
    "PlatformError",
    "PromiseBroken",
    "Refused",
    "SpecError",
    "StepFailed",
    "TimedOut",
    "Transient",
    "Unsupported",
    "UnsupportedFile",
    "Where",
]
