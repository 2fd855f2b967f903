"""Codes of loads: connectors pulled on a schedule."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "load.connector_failed": Code(
        "The connector failed",
        "It was silent for longer than `timeout`, ended half-way, or wrote what is no message.",
        "Nothing is lost: it goes on from the last commit by itself. The log of the service says"
        " what the connector printed.",
    ),
    "load.install_failed": Code(
        "The connector could not be installed",
        "Its package does not exist for this Python, its index cannot be reached, or a disk is"
        " full.",
        "Correct the name, or make the package index reachable; it is tried again by itself.",
    ),
    "load.not_synced": Code(
        "No sync has come to its end yet",
        "The first one is still under way, or the connector keeps failing.",
        "Look at `tidewright status`, then run the command again.",
    ),
    "load.no_totals": Code(
        "The connector could not count",
        "`verify` asks the connector what its source holds, and that failed.",
        "Correct the connector or its source, then run the command again.",
    ),
    "load.other_source": Code(
        "The connector speaks for another source",
        "Its `identity()` is not the one that the lake's rows came from: another account, or a"
        " source that was made anew.",
        "Point it back, or begin anew with `destroy` and `up`.",
    ),
}
