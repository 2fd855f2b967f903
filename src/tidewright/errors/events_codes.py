"""Codes of events: the endpoint that receives them, Delta tables, sessions and rollups."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "topic.schema": Code(
        "The JSON Schema of events cannot be used",
        "The file is not there, is no JSON Schema of draft 7, or refers to another place.",
        "Write the schema of one event, with its properties, whole in this one file.",
    ),
    "topic.port_in_use": Code(
        "The endpoint's port is taken",
        "Another program listens where events should be received.",
        "Stop that program, or run `tidewright stop` and `tidewright up`.",
    ),
    "topic.busy": Code(
        "The endpoint takes nothing for now",
        "The log is not there, the lake lags behind it, or too much waits to be committed.",
        "Senders try again after the seconds that Retry-After says. See `tidewright status`.",
    ),
    "topic.batch_reused": Code(
        "An Idempotency-Key came with other events",
        "The name of a batch was used before, and its events were others.",
        "Give each batch a name of its own; send the same batch again under the same name.",
    ),
    "topic.batch_refused": Code(
        "The endpoint will never take a batch of the workload",
        "The script made something that the endpoint answers with an error of the sender's.",
        "Correct the script. The runner loads it again as soon as it changes.",
    ),
    "lake.delta_other_source": Code(
        "A Delta table belongs to another log",
        "Its position is of another server than the topic's: one of them was replaced.",
        "Restore both from one backup, or begin anew with `tidewright destroy`.",
    ),
    "lake.delta_not_written": Code(
        "A Delta commit could not be written",
        "The disk refused, most often because it is full. Nothing of the commit is visible.",
        "Make room; it is tried again by itself.",
    ),
    "lake.delta_unreadable": Code(
        "The log of a Delta table cannot be read",
        "A file of it was removed, cut or changed by another program, or by the disk.",
        "Restore it from a backup; what follows it waits.",
    ),
    "lake.delta_other_writer": Code(
        "Another process wrote to a Delta table of ours",
        "A commit came between that we did not make.",
        "End the other process: only one may land a flow's rows.",
    ),
    "lake.delta_empty": Code(
        "A Delta table has nothing yet",
        "No event has been landed.",
        "Wait for the first events; `tidewright status` shows how far they are.",
    ),
    "stream.no_such_property": Code(
        "A sessions step names a property that events do not have",
        "The schema of the events does not list the name after key, time, first or last.",
        "Correct the name in the platform file, or the schema.",
    ),
    "stream.no_time": Code(
        "The property with the event's time is no time",
        "The schema does not give it `format: date-time`.",
        "Name another property after `time:`, or give this one the format.",
    ),
    "stream.rollup_cannot_keep": Code(
        "A rollup's SQL file holds what cannot be kept exactly",
        "Its tables must merge by a key, and its views must give what can be merged into them.",
        "Use counts, sums, minima and maxima grouped by the key of the table.",
    ),
    "stream.rollup_no_such_source": Code(
        "A view reads what the flow does not have",
        "The name after FROM is neither the topic of the step nor its sessions.",
        "Correct the name, or add the step that makes it.",
    ),
    "stream.rollup_does_not_run": Code(
        "A view of a rollup does not run",
        "DuckDB refused the translated SELECT; the message says why.",
        "Correct the view. The tables stay as they are until it runs.",
    ),
    "stream.rollup_other_source": Code(
        "The rollups belong to another log",
        "Their position is of another server than the topic's: one of them was replaced.",
        "Restore both from one backup, or begin anew with `tidewright destroy`.",
    ),
    "stream.rollup_other_columns": Code(
        "A table of a rollup has other columns than its file",
        "The SQL file was changed after the table was made.",
        "Give the changed table a new name; events of before are not read again.",
    ),
    "stream.rollup_empty": Code(
        "Nothing was rolled up yet",
        "The tables of the rollup have not been made.",
        "Wait for the first events; `tidewright status` shows how far they are.",
    ),
    "lake.not_readable": Code(
        "A topic in the lake cannot be read now",
        "The catalog does not answer, or a file expired while it was read.",
        "It is tried again by itself. Look at `tidewright status`.",
    ),
    "local.no_installer": Code(
        "Nothing here can install packages",
        "This Python environment has no pip, and there is no uv.",
        "Install the extra that the message names the way tidewright was installed.",
    ),
}
