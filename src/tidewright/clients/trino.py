"""The one place that speaks to Trino: a query in, rows out, refusals in Trino's own words."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tidewright.model import native


class Refused(Exception):
    """Trino did not run a query; the text is its reason."""


class Away(Refused):
    """Trino did not answer; the same query may succeed later."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of the columns, and the rows that were asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def ask(
    url: str,
    query: str,
    limit: int | None = None,
    user: str = native.READER,
    catalog: str = native.CATALOG,
) -> Answer:
    """Run one query in UTC, and end it after ``limit`` rows. Raises Refused.

    ``user``: whose rights count. ``catalog``: where names without one are looked up.
    """
    import requests  # noqa: PLC0415  an extra, installed when it is used
    from trino import dbapi  # noqa: PLC0415  the same
    from trino import exceptions as reasons  # noqa: PLC0415  the same

    host, _, port = url.partition("://")[2].partition(":")
    direct = requests.Session()
    direct.trust_env = False  # an engine of ours is on this machine, whatever proxy is named
    conn = dbapi.Connection(
        host=host,
        port=int(port),
        user=user,
        catalog=catalog,
        timezone="UTC",
        http_session=direct,
    )
    cursor = conn.cursor()
    try:
        cursor.execute(query.strip().rstrip(";"))
        found: Sequence[Any] = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        described = cursor.description or ()
    except reasons.TrinoUserError as reason:
        raise Refused(str(reason.message)) from None
    except requests.RequestException as reason:
        raise Away(str(reason)) from None
    except (reasons.TrinoConnectionError, reasons.HttpError) as reason:
        raise Away(str(reason)) from None
    except reasons.Error as reason:
        raise Refused(str(reason)) from None
    finally:
        with contextlib.suppress(Exception):  # one that is done cannot be cancelled
            cursor.cancel()
        conn.close()
    return Answer(
        tuple(str(c[0]) for c in described),
        tuple(tuple(row) for row in found),
    )
