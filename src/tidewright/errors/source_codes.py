"""Codes of a source: its slot, its publication, its tables and the values it sends.

Codes of connecting to one are in ``connection_codes``.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "source.copy_overtaken": Code(
        "A table changed its form while it was copied",
        "It was truncated, rewritten or altered between the snapshot and the copy, and a rewritten"
        " table looks empty to older snapshots.",
        "Nothing: the copy starts again by itself.",
    ),
    "source.failed": Code(
        "The source failed in a way of its own",
        "PostgreSQL refused a statement for a reason that has no code here.",
        "Read the source's own log at that time.",
    ),
    "source.no_free_slot": Code(
        "The source has no free replication slot",
        "Two are needed: a lasting one, and one for the time of a first copy or a verification.",
        "Raise max_replication_slots (and max_wal_senders), or drop a slot that nobody reads.",
    ),
    "source.protocol": Code(
        "The feed contradicts its protocol",
        "A defect, or a PostgreSQL version that is not known yet.",
        "Report it with the PostgreSQL version. Nothing of it was stored.",
    ),
    "source.publication_altered": Code(
        "The publication no longer carries whole tables",
        "Someone gave it a row filter, a column list, or fewer kinds of changes.",
        "Drop the publication; the platform makes it again and copies what it missed.",
        lasting=True,
    ),
    "source.publication_missing": Code(
        "The publication was missing for a while",
        "It was dropped. PostgreSQL 18 then skips changes with nothing but a warning, which we turn"
        " into this error; changes made without it are not in the feed.",
        "Copy anew: `tidewright destroy`, then `tidewright up`.",
        lasting=True,
    ),
    "source.rights": Code(
        "The source's role lacks a right",
        "Capture needs REPLICATION, SELECT on the captured tables, and to make a publication the"
        " ownership of those tables and CREATE on the database.",
        "Run the statement that `tidewright check` prints.",
        lasting=True,
    ),
    "source.row_too_large": Code(
        "A value is too large",
        "The text of one column passes 2 GB within one chunk of the feed.",
        "Keep single values below 256 MB.",
    ),
    "source.slot_busy": Code(
        "Another process reads the slot",
        "A second worker, or what a crash left: the source notices within moments.",
        "Stop the other reader. The platform tries again by itself.",
    ),
    "source.slot_lost": Code(
        "The source gave the slot up",
        "It kept more WAL than max_slot_wal_keep_size allows, or was idle for too long.",
        "Raise the cap, then copy anew: `tidewright destroy`, then `tidewright up`.",
        lasting=True,
    ),
    "source.slot_missing": Code(
        "The slot is gone",
        "Someone dropped it, or the source was restored or failed over without it.",
        "Changes since then are unknown. Copy anew: `tidewright destroy`, then `tidewright up`.",
        lasting=True,
    ),
    "source.slot_taken": Code(
        "The slot's name is taken",
        "A slot of this name exists for another database or another plugin.",
        "Drop it, or give this platform another name.",
        lasting=True,
    ),
    "source.slot_wait": Code(
        "A slot could not be made in time",
        "Making a slot waits for every transaction that is open at that moment.",
        "End the transaction that the message names, or wait for it, then try again.",
    ),
    "source.standby": Code(
        "The source is a standby",
        "A position on a standby does not survive its promotion.",
        "Name the primary in the source's url.",
        lasting=True,
    ),
    "source.table_missing": Code(
        "A captured table does not exist",
        "It was dropped or renamed, or its name in the flow is wrong.",
        "Create it, or correct its name (schema.table) in the flow.",
    ),
    "source.table_stopped": Code(
        "A table of the file is not captured",
        "It stopped, or its first copy could not begin; the message says why. The others go on.",
        "Mend what the message names, then `tidewright up`, with `--recopy TABLE` for one that was"
        " copied before; or take the table out of the file.",
    ),
    "source.table_unfit": Code(
        "A table cannot be captured",
        "Nothing identifies its rows, or it is partitioned, foreign, unlogged or a view.",
        "Give it a primary key, or set REPLICA IDENTITY USING INDEX; or leave it out.",
        lasting=True,
    ),
    "source.timeline": Code(
        "The source is not the one that was followed",
        "The address leads to another cluster or database, or a standby was promoted: positions"
        " of one history mean nothing in another.",
        "Point back to the old source, or start anew: `tidewright destroy`, then `tidewright up`.",
        lasting=True,
    ),
    "source.unsupported_change": Code(
        "The feed brought an unknown kind of change",
        "A PostgreSQL version that is not known yet.",
        "Report it with the version. Nothing of its transaction was stored.",
    ),
    "source.value_not_exact": Code(
        "A value does not fit its type",
        "An infinite or BC date, a year past 9999, NaN in a decimal, or the time 24:00: Iceberg's"
        " types cannot hold it, and storing null instead would be silent damage.",
        "Correct the value, or change the column's type to text in the source.",
    ),
    "source.wal_level": Code(
        "The source's WAL carries no logical changes",
        "PostgreSQL runs with wal_level = replica (its default) or minimal.",
        "Run `alter system set wal_level = 'logical'`, then restart the source.",
        lasting=True,
    ),
}
