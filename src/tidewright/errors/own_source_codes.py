"""Codes of ``add``: a source that is put into a file that is there."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "file.no_place": Code(
        "The platform file cannot be edited there",
        "`add` puts lines into the file and leaves every other byte as it is; here it found no"
        " place that is surely right.",
        "Put the lines that the message shows into the file yourself, then run `tidewright check`.",
    ),
    "source.not_there": Code(
        "The source is not there",
        "The file does not exist, is a folder, or the address does not answer.",
        "Correct the path or the address.",
    ),
    "source.taken": Code(
        "The name is taken",
        "The platform has a source, a table or a connector of that name already.",
        "Give it another one with `--name`, or change what is there in the file.",
    ),
    "source.unknown_kind": Code(
        "Nothing reads this kind of source",
        "`add source` takes CSV and Parquet files, here or behind http and https, and PostgreSQL.",
        "Convert it, write a connector of your own, or load it with one of Airbyte's; see"
        " docs/how-to/load-from-a-connector.md.",
    ),
    "source.unreadable": Code(
        "The file is no table that can be read",
        "Its lines have different numbers of fields, its first line names no columns, it is not"
        " UTF-8, or it is no Parquet.",
        "Correct the place that the message names, then run the command again.",
    ),
}
