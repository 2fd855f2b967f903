"""Codes of topics: what producers hear."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "topic.full": Code(
        "A topic takes no more events for now",
        "Capture is stopped, or slower than the producers: what waits for it has a limit.",
        "It goes on by itself. Look at `tidewright status` for what keeps capture.",
    ),
    "topic.skipped": Code(
        "A producer's batch does not follow its last one",
        "Two processes produce under the same name.",
        "End one of them.",
    ),
}
