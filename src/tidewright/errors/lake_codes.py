"""Codes of the lake: its folder, its tables, and what keeps them true."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

_REPORT = "Report it with the log of the service; nothing was written."

CODES: Mapping[str, Code] = {
    "lake.catalog_lost": Code(
        "The catalog database did not answer",
        "The server stopped, restarts, or ended the connection.",
        "Wait: it is tried again and nothing is lost. Otherwise see the server's log.",
    ),
    "lake.disagrees": Code(
        "Catalog, tables and commits row disagree",
        "Something else moved a table, or catalog and warehouse come from different backups.",
        "Restore both from one backup, or begin anew with `destroy` and `up`.",
    ),
    "lake.topic_again": Code(
        "A topic would be copied again",
        "Its slot was given back, and the lake holds more of it than it still keeps itself.",
        _REPORT,
    ),
    "lake.disk_full": Code(
        "No room for a file of the lake",
        "The disk or the account's quota is full.",
        "Free space. The commit did not happen and is done again.",
    ),
    "lake.folder_name": Code(
        "The warehouse's path has characters that readers misread",
        "Lake files are named by plain file URIs, in which # ? % and quotes mean something else.",
        "Move the platform to a path without them.",
    ),
    "lake.in_doubt": Code(
        "A commit was begun while another one is in doubt", "A defect of ours.", _REPORT
    ),
    "lake.missing_file": Code(
        "A file that a table needs is not there",
        "The warehouse folder was changed by hand, or lost writes in a power failure.",
        "Restore the warehouse, or begin anew with `destroy` and `up`.",
    ),
    "lake.mixed_partition": Code(
        "Rows of several partitions were to become one file", "A defect of ours.", _REPORT
    ),
    "lake.no_extension": Code(
        "A DuckDB extension is not installed",
        "The extension's package is missing, or belongs to another version of DuckDB.",
        "Install Tidewright again: its requirements name the matching packages.",
    ),
    "lake.no_such_commit": Code(
        "The lake has no such commit",
        "The number is wrong, or the row is older than the ten thousand that are kept.",
        "Choose one from the table `tidewright_commits`.",
    ),
    "lake.partition_transform": Code(
        "A partition other than identity was asked for", "A defect of ours.", _REPORT
    ),
    "lake.partitioned_deletes": Code(
        "Deletes were staged for a partitioned table", "A defect of ours.", _REPORT
    ),
    "lake.schema_change": Code(
        "A column cannot change that way in place",
        "Only adding, dropping and renaming columns and widening a number keep old files readable.",
        "Copy the table anew.",
    ),
    "lake.table_exists": Code("A table was created twice", "A defect of ours.", _REPORT),
    "lake.write_failed": Code(
        "A file of the lake cannot be written",
        "The folder is read-only, gone, or belongs to another account.",
        "Correct the folder's rights. The commit did not happen and is done again.",
    ),
}
