"""Codes of the console, its SQL box, and the read-only catalog front."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "console.host": Code(
        "The request names another host",
        "The Host header is neither 127.0.0.1 nor localhost with the console's port: a web site"
        " that made its name point at this machine (DNS rebinding), or a proxy.",
        "Open the address that `tidewright open` prints. Behind a tunnel, keep the same port.",
    ),
    "console.cross_site": Code(
        "Another web site sent the request",
        "The browser says the request comes from another origin; only navigation is allowed then.",
        "Open the console in a tab of its own. Programs send no Origin header.",
    ),
    "console.no_session": Code(
        "Not signed in",
        "There is no session cookie or bearer token, or it ended, or the secret was rotated.",
        "Run `tidewright open`, or send `Authorization: Bearer` with the secret's value.",
    ),
    "console.bad_link": Code(
        "The link does not work any more",
        "A link opens the console once, within 15 minutes of being printed.",
        "Run `tidewright open` for a new one.",
    ),
    "console.bad_request": Code(
        "The request cannot be read",
        "The body is too large, is not a form or JSON with `sql`, or the path has no such method.",
        "See docs/how-to/use-the-console.md for each path and what it takes.",
    ),
    "console.no_page": Code(
        "There is no such page",
        "The path is not one of the console's.",
        "Start at the address that `tidewright open` prints.",
    ),
    "console.too_many": Code(
        "Too many open views",
        "The console feeds a limited number of live views at once.",
        "Close other tabs of the console.",
    ),
    "console.broken": Code(
        "The console made a mistake",
        "A defect of ours; the details are in the console's log.",
        "Reload the page. If it happens again, report the log lines.",
    ),
    "console.port_in_use": Code(
        "The console's port is in use",
        "Another program listens on the port that this environment was given.",
        "Stop that program, or run `tidewright stop` and `tidewright up` to be given another.",
    ),
    "console.not_running": Code(
        "The console does not run",
        "The environment is stopped, or its console has not started yet.",
        "Run `tidewright up`, then `tidewright open`.",
    ),
    "console.job": Code(
        "The console cannot read its job",
        "The file behind --job is missing, or was written by another version.",
        "Run `tidewright up`: it writes the file again.",
    ),
    "console.database": Code(
        "A database of the platform did not answer",
        "The bundled server is starting, stopped, or lost the connection.",
        "See `tidewright status`; the console tries again by itself.",
    ),
    "console.no_database": Code(
        "There is nothing to read",
        "This environment's flow has no lake, or publishes no marts.",
        "Add the stage to `flow`, then run `tidewright up`.",
    ),
    "console.sql_refused": Code(
        "The statement was not run",
        "The SQL box runs one SELECT over the lake's tables and nothing else: no second statement,"
        " no write, no file, no setting, no other table function.",
        "Write one SELECT. For more, attach DuckDB to the catalog: `tidewright connect`.",
    ),
    "console.sql_syntax": Code(
        "The statement cannot be parsed",
        "It is not SQL as DuckDB writes it.",
        "Correct the place that the message names.",
    ),
    "console.sql_failed": Code(
        "The query failed",
        "DuckDB refused it; the message is DuckDB's own.",
        "Correct the statement.",
    ),
    "console.sql_busy": Code(
        "Another question is still running",
        "The SQL box runs one query at a time.",
        "Wait for it; it ends after 10 seconds at the latest.",
    ),
    "console.sql_time": Code(
        "The query took too long",
        "It ran longer than 10 seconds, so its process was ended.",
        "Filter on partition_date or a key, or use DuckDB on your own machine.",
    ),
    "console.sql_memory": Code(
        "The query needs more memory than the box has",
        "It went past the memory limit of DuckDB (512 MB) or of the process.",
        "Select fewer columns, filter earlier, or use DuckDB on your own machine.",
    ),
    "console.no_table": Code(
        "No such table",
        "The catalog has no table of that name.",
        "List them: GET /catalog/v1/namespaces/NAME/tables.",
    ),
    "console.no_namespace": Code(
        "No such namespace",
        "The catalog has no namespace of that name.",
        "List them: GET /catalog/v1/namespaces.",
    ),
    "console.read_only": Code(
        "The catalog front only reads",
        "Only the capture worker commits to the lake; everything else would break exactness.",
        "Read through this front; write to tables of your own in a catalog of your own.",
    ),
    "console.outside": Code(
        "A table points outside of the lake",
        "A row of the catalog names a metadata file that is not in the warehouse.",
        "Find out who wrote that row: nothing of Tidewright does.",
    ),
    "console.too_large": Code(
        "A table's metadata is too large to serve",
        "The metadata file has more than 64 MB: too many snapshots are kept.",
        "Let table care expire snapshots.",
    ),
    "console.metadata": Code(
        "A table's metadata cannot be read",
        "The file vanished between two steps (expiry), or the disk refuses to read it.",
        "Ask again; if it stays, see the console's log.",
    ),
}
