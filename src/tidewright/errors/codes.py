"""The shape of an error code's documentation; each area keeps its own table beside this file.

``all_codes`` joins the tables: docs/reference/errors.md is generated from it, and a test fails
for a code that is raised but not listed, or listed but raised by no test.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What the code means, what usually causes it, and what to do.

    ``lasting``: somebody has to do something; it never passes by waiting, so nobody waits for it.
    """

    title: str
    cause: str
    remedy: str
    lasting: bool = False
