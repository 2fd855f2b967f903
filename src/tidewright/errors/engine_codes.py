"""Codes of the real engines, run natively: programs, deployment and verification."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "local.program_checksum": Code(
        "A file is not the pinned one",
        "What was fetched has another SHA-256 than the lock of the component names: a mirror that"
        " changes files, a transfer that went wrong, or somebody in between.",
        "Run the command again. If it stays so, do not use where the file comes from.",
    ),
    "local.program_failed": Code(
        "A program could not be fetched",
        "The network, the mirror that TIDEWRIGHT_MAVEN names, or pip's index does not give it.",
        "Mend that and run the same command again: it goes on where it stopped.",
    ),
    "lake.bucket": Code(
        "The bucket could not be made",
        "The object store refuses, or does not answer.",
        "Read `tidewright logs objects`; the deployment is tried again by itself.",
    ),
    "lake.cut_not_held": Code(
        "The lake could not be compared at one moment",
        "A long transaction holds a captured table, or an engine is away and nothing reaches the"
        " lake.",
        "Look at `tidewright status`; run it again when the engines are healthy.",
    ),
    "local.memory": Code(
        "Not enough memory for the engines",
        "Kafka, Connect, Flink and Trino each take some hundred megabytes, and less is free.",
        "End what else runs here, or use the embedded engines.",
    ),
    "local.engine_silent": Code(
        "An engine does not answer",
        "It starts, it is overloaded, or it ended.",
        "Read its log with `tidewright logs`; what asked is tried again by itself.",
    ),
    "local.engine_refused": Code(
        "An engine refused what was deployed",
        "Its own words say why: a connector that cannot reach the source, a name that is taken.",
        "Correct that, then run `tidewright up` again.",
    ),
    "source.tables_changed": Code(
        "The captured tables are not those that were deployed",
        "A table or a column came, went or changed its type; a running job cannot take that yet.",
        "Take the change back, or begin anew with `tidewright destroy` and `tidewright up`.",
        lasting=True,
    ),
    "topic.not_read": Code(
        "The topics could not be read for their transactions",
        "Kafka is away, or a topic is missing; no new moment of the source is recorded meanwhile.",
        "Read `tidewright logs kafka`; it is tried again by itself.",
    ),
    "topic.not_made": Code(
        "A topic could not be made",
        "Kafka refuses, or does not answer.",
        "Read `tidewright logs kafka`; the deployment is tried again by itself.",
    ),
    "source.type_not_carried": Code(
        "A column's type would not arrive exactly",
        "Debezium's JSON, Flink or Iceberg has no exact form of it that we have tried.",
        "Use the embedded engines for that table, or leave it out of this environment.",
        lasting=True,
    ),
}
