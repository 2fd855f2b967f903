"""PostgreSQL's own configuration, once, as tables; every form writes it in its own dialect.

Small memory on purpose: a laptop runs two of these servers beside everything else. Durability
is never relaxed, since the slot moves only after the catalog's commit is on disk.
"""

from __future__ import annotations

from collections.abc import Mapping

# What the kept WAL of a slot nobody reads may reach. Then PostgreSQL gives the slot up, which
# costs a new first copy; without the cap it costs the disk.
WAL_CAP_MB = 4096

COMMON: Mapping[str, str] = {
    "max_connections": "60",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "32MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "32MB",
    "jit": "off",
    "io_method": "sync",
    "huge_pages": "off",
    "max_worker_processes": "4",
    "max_parallel_workers": "0",
    "autovacuum_naptime": "20s",
    "autovacuum_max_workers": "2",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "min_wal_size": "128MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_statement": "none",
    # A statement's text may hold what must not be in a log.
    "log_min_error_statement": "panic",
    "update_process_title": "off",
}

LOGICAL: Mapping[str, str] = {
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "max_slot_wal_keep_size": f"{WAL_CAP_MB}MB",
    "logical_decoding_work_mem": "32MB",
    "shared_buffers": "64MB",
}

# A backup copies the data folder and receives the log of a server that runs.
PLAIN: Mapping[str, str] = {
    "wal_level": "replica",
    "max_replication_slots": "4",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": f"{WAL_CAP_MB}MB",
}


def settings(logical: bool, over: Mapping[str, str]) -> dict[str, str]:
    """The settings of one server; ``logical`` when its changes are captured."""
    return {**COMMON, **(LOGICAL if logical else PLAIN), **over}


def quoted(value: str) -> str:
    """A value as postgresql.conf wants it."""
    return "'" + value.replace("'", "''") + "'"
