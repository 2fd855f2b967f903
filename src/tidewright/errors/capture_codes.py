"""Codes of the capture worker, and of those who read the lake by command."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "source.identity": Code(
        "The source is another one than the lake followed so far",
        "The server was replaced, restored to an older time, or promoted.",
        "Point back to the old source, or begin anew with `destroy` and `up`.",
    ),
    "source.slot_ahead": Code(
        "The slot was moved past what the lake holds",
        "Someone else read or advanced it, so changes are gone that the lake never got.",
        "Begin anew with `stop --release` and `up`, which copies every table again.",
    ),
    "lake.refused": Code(
        "The lake refused a commit",
        "Another worker has taken over this flow, or something else moved a table.",
        "End the other worker, then start this environment again.",
    ),
    "lake.held": Code(
        "Another worker follows this flow",
        "A second capture was started on the same lake, or an older one has not ended yet.",
        "End one of them. Only the one that holds the flow can ever commit.",
    ),
    "lake.no_job": Code(
        "This environment has no such service",
        "The flow has no step that needs it, or the environment was never started.",
        "Start it with `tidewright up`, with a flow that needs that service.",
    ),
    "lake.not_captured": Code(
        "The table is not in the flow",
        "Its name is misspelt, or the file does not capture it.",
        "Name a table of the capture step, as schema.table.",
    ),
    "lake.copy_failed": Code(
        "A first copy ended in a way that was not foreseen",
        "A defect of ours, or a full disk.",
        "It is tried again by itself. Report it with the log of the service.",
    ),
    "lake.empty": Code(
        "The lake has no commit yet",
        "The first copy is still under way, or capture cannot reach its source.",
        "Look at `tidewright status`; wait for the first copy.",
    ),
    "lake.unreadable": Code(
        "Files of the lake are not what its tables say",
        "A file was removed, changed or exchanged by another program, or the disk lost it.",
        "Restore a backup, or copy the table again with `tidewright up --recopy TABLE`.",
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
    "lake.first_copy": Code(
        "The first copy is still under way",
        "No table is followed yet, so there is no moment at which both sides could agree.",
        "Wait until `tidewright status` shows the tables as followed, then run it again.",
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
    "lake.cut_overtaken": Code(
        "A table was altered or truncated after each cut, before it could be read",
        "PostgreSQL shows a truncated or rewritten table as empty to whoever began to look before,"
        " so such a table is not compared. Nothing was found wrong.",
        "Run the command again when that table is left alone for a moment.",
    ),
}
