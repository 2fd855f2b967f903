"""What comes from the meters: who owns them, what they measured, and in which batches.

Plain functions; `@asset` only marks them. A test can call them, and Dagster can run them.
"""

import datetime
import json

from tidewright.assets import asset


@asset(table="raw.meters", mode="replace")
def meters(landing):
    """The list of meters, as a whole each time."""
    file = landing / "meters.json"
    return lines(file) if file.exists() else None


@asset(table="raw.glucose_entries", cursor="batch")
def glucose_entries(landing, after):
    """Every batch after the last one that main has: what is merged is never read again."""
    rows = []
    for file in sorted(landing.glob("batch-*.jsonl")):
        if after is None or int(file.stem.partition("-")[2]) > after:
            rows += [{**row, "read_at": moment(row["read_at"])} for row in lines(file)]
    return rows


@asset(table="raw.batches", deps=["raw.glucose_entries"], mode="replace")
def batches(glucose_entries):
    """One row for each batch: how many readings, and from when to when."""
    grouped = glucose_entries.group_by("batch").aggregate(
        [("entry_id", "count"), ("read_at", "min"), ("read_at", "max")]
    )
    names = {"entry_id_count": "entries", "read_at_min": "first_at", "read_at_max": "last_at"}
    return grouped.rename_columns([names.get(n, n) for n in grouped.column_names]).sort_by("batch")


def lines(file):
    """The rows of one file of JSON lines."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def moment(seconds):
    """Seconds since 1970 as a time with its zone."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
