"""How kernels are compiled: numba, without the interpreter's lock, kept in the user's cache.

Only kernels import this; ``speed`` decides whether they are loaded at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from tidewright.pipelines.decode import speed

F = TypeVar("F", bound=Callable[..., Any])

_folder = speed.cache_folder()
if _folder is not None:
    # The default is a folder beside the module, which may be read-only or shared.
    numba.config.CACHE_DIR = str(_folder)  # type: ignore[attr-defined]  # set at run time


def compiled(function: F) -> F:
    """Compile at first call, for the argument types of that call."""
    return cast(F, numba.njit(cache=_folder is not None, nogil=True)(function))


def inlined(function: F) -> F:
    """A small step that kernels use."""
    return cast(F, numba.njit(cache=_folder is not None, nogil=True, inline="always")(function))
