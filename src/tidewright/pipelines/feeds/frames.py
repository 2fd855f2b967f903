"""Reading a slot's changes in frames: the statement, and the stream that it gives.

A frame is whole pgoutput messages, each led by its length; ``decode`` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import psycopg
from psycopg import errors as pg

from tidewright import errors
from tidewright.model import flow

FRAME_CHANGES = 10_000
FRAME_BYTES = 8 << 20

# The running sum bounds a frame by bytes: 10,000 wide rows would pass the server's 1 GB limit.
FRAMES = """
copy (
  select string_agg(int4send(length(data)) || data, ''::bytea order by n), count(*)
  from (
    select n, data, n / {changes} as by_count,
      sum(length(data)) over (rows unbounded preceding) / {bytes} as by_bytes
    from {function}({slot}, {upto}, {limit}, 'proto_version', '1',
      'publication_names', {publication}, 'messages', 'true')
      with ordinality as change(lsn, xid, data, n)
  ) as changes
  group by by_count, by_bytes order by by_count, by_bytes
) to stdout (format binary)
"""


def statement(
    function: str, slot: tuple[str, str], max_messages: int | None, upto_lsn: int | None
) -> str:
    """The statement that reads a slot (its name, its publication's name) in frames."""
    return FRAMES.format(
        function=function,
        slot=literal(slot[0]),
        publication=literal('"' + slot[1].replace('"', '""') + '"'),
        upto="null" if upto_lsn is None else literal(flow.lsn_text(upto_lsn)),
        limit="null" if max_messages is None else str(int(max_messages)),
        changes=FRAME_CHANGES,
        bytes=FRAME_BYTES,
    )


def read(
    live: psycopg.Connection, query: str, gap: Callable[[], errors.PlatformError]
) -> Generator[bytes, None, int]:
    """Stream the frames; raises ``gap()`` when the server skipped a publication it did not find.

    From PostgreSQL 18 on that is a warning and not an error, and changes would be lost silently.
    Returns the number of messages in all frames, which is what the server's limit counts: not
    changes alone, but the begin and the end of each transaction and descriptions as well.
    """
    warned: list[str] = []
    messages = 0

    def heard(notice: psycopg.errors.Diagnostic) -> None:
        if notice.sqlstate == pg.ObjectNotInPrerequisiteState.sqlstate:
            warned.append(notice.message_primary or "")

    live.add_notice_handler(heard)
    try:
        with live.cursor() as cursor, cursor.copy(query.encode()) as copy:
            copy.set_types(["bytea", "int8"])
            for frame, count in copy.rows():
                if warned:
                    raise gap()
                messages += count
                yield frame
        if warned:
            raise gap()
        return messages
    finally:
        live.remove_notice_handler(heard)


def literal(text: str) -> str:
    """An SQL literal: a walsender takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


def publication_missing(place: str, name: str) -> errors.Refused:
    return errors.Refused(
        "source.publication_missing",
        f"publication {name} did not exist for a part of what was to be read",
        place,
        "Changes made without it cannot be known. Copy anew: tidewright destroy, then up.",
    )
