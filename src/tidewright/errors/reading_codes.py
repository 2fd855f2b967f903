"""Codes of those who read the lake by command: query, verify, demo, bench."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "lake.no_job": Code(
        "This environment has no such service",
        "The flow has no step that needs it, or the environment was never started.",
        "Start it with `tidewright up`, with a flow that needs that service.",
    ),
    "lake.empty": Code(
        "The lake has no commit yet",
        "The first copy is still under way, or capture cannot reach its source.",
        "Look at `tidewright status`; wait for the first copy.",
    ),
    "lake.query": Code(
        "The query cannot be answered",
        "DuckDB refused it: a name, the syntax, or a type.",
        "Correct the query. Tables are named as in the source, raw ones raw_data.<table>.",
    ),
    "lake.not_exact": Code(
        "The lake is not what the source is",
        "A defect, a table that stopped, or someone else wrote to the lake.",
        "Keep the environment as it is, and report what `verify` printed.",
    ),
    "lake.cut_not_reached": Code(
        "Capture did not answer a request for a cut in time",
        "It is not running, it is far behind, or the source has a long open transaction.",
        "Look at `tidewright status`, then run the command again.",
    ),
    "lake.cut_missed": Code(
        "Capture had already gone past the cut",
        "It was started again in the moment between the question and the answer.",
        "Run the command again.",
    ),
}
