"""Codes of the stream step."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "stream.sql": Code(
        "The SQL of a stream step cannot be used",
        "It does not run, or does not give exactly one row for each event.",
        "Correct the file; it is read again as soon as it changes, and nothing was lost.",
    ),
    "stream.columns": Code(
        "The SQL of a stream gives other columns than its tables have",
        "A column was renamed, removed or given another type; new ones are added by themselves.",
        "Give it back its name and type, or name another table in the file.",
    ),
    "stream.behind": Code(
        "The stream did not come up to the lake in time",
        "It is stopped, held up by its SQL, or far behind.",
        "Look at `tidewright status` and `logs stream`, then run the command again.",
    ),
    "stream.moved": Code(
        "Another process has written this batch",
        "Two stream processes of one environment run at the same time.",
        "End one of them. Nothing is written twice.",
    ),
    "stream.identity": Code(
        "The topic is another one than the stream followed so far",
        "The log server was made anew, and the keyed database was not.",
        "Begin anew with `destroy` and `up`.",
    ),
}
