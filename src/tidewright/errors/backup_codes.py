"""Codes of backups, restores and drills."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

_OLDER = "Take an older point. Keep this one until it is known what happened to it."

CODES: Mapping[str, Code] = {
    "backup.place": Code(
        "The backup place cannot be used",
        "Its disk or bucket is full, gone, or may only be read.",
        "Bring it back or free space. Older points are as they were, and the next run goes on.",
    ),
    "backup.server": Code(
        "A server's data or log could not be received",
        "The server went away in the middle, or refused the administrator.",
        "Look at the server's log. The next run tries again, with a new copy where that is needed.",
    ),
    "backup.busy": Code(
        "Two commands work on the same backups",
        "A scheduled run, or a command in another shell, is not finished.",
        "Wait until it is, then run the command again.",
    ),
    "backup.busy_server": Code(
        "There was no quiet moment for the cut",
        "Something kept a transaction open in the store all the time.",
        "End the session that holds it, then run the command again.",
    ),
    "backup.project_large": Code(
        "The folder of the platform's file is too large",
        "Everything in that folder belongs to a recovery point; a home folder does not.",
        "Keep the file, models, checks and scripts in a folder of their own.",
    ),
    "backup.rpo": Code(
        "The schedule cannot meet the goal",
        "`goals.rpo` is shorter than the longest wait between two points and one run.",
        "Make points more often, or state a goal that can be met.",
    ),
    "backup.goal": Code(
        "A drill missed a goal",
        "The copy served later than `goals.rto`, or the point was older than `goals.rpo`.",
        "Make points more often, or state a goal that can be met.",
    ),
    "backup.drill": Code(
        "A drill could not check something",
        "What could not be looked at counts as broken.",
        "The report says what it was; mend it and run the drill again.",
    ),
    "backup.no_key": Code(
        "The recovery key is not there, or is none",
        "It was taken to its safe place, or another file was named.",
        "Name it with --key FILE.",
    ),
    "backup.credentials": Code(
        "The credentials of a bucket cannot be used",
        "Their secret is not of the form ACCESS_KEY:SECRET_KEY.",
        "Store the right one: `tidewright connect --set-secret NAME`.",
    ),
    "backup.wrong_key": Code(
        "Not the recovery key of this backup",
        "Each environment of each platform has a key of its own.",
        "Name the right one with --key FILE.",
    ),
    "backup.no_point": Code(
        "There is no such recovery point",
        "None was made, the name is misspelt, or the time is before the oldest one.",
        "See which there are: `tidewright backup list`.",
    ),
    "backup.future": Code(
        "A recovery point of the future",
        "The clock of this machine, or of the one that made the point, is wrong.",
        "Set the clock. Until then no age and no order can be believed.",
    ),
    "backup.signature": Code(
        "A recovery point was changed",
        "Its text is not what was signed.",
        "Do not use it. " + _OLDER,
    ),
    "backup.manifest": Code(
        "A manifest cannot be read", "It was cut short, or is not a manifest.", _OLDER
    ),
    "backup.damaged": Code(
        "A file of the backup is not what was put there",
        "A disk lost or changed it, somebody edited it, or two files were swapped.",
        _OLDER,
    ),
    "backup.missing_file": Code(
        "A file of the backup is missing", "It was deleted, or its disk lost it.", _OLDER
    ),
    "backup.missing_log": Code(
        "A part of a server's log is missing",
        "Without it the server cannot be replayed up to the point.",
        "Take a point before the gap, or one with a newer copy of the data folder.",
    ),
    "backup.missing_secret": Code(
        "A secret is not in the backup",
        "The platform names a secret that the sealed secrets lack.",
        _OLDER,
    ),
    "backup.stale_catalog": Code(
        "The catalog is not of this point",
        "The catalog's server was restored to another commit than the lake's files belong to.",
        "Take another point: the parts of this one were not made together.",
    ),
    "backup.replay": Code(
        "A restored server did not come up",
        "It could not replay its log, or lacked memory or space.",
        "See the log that the message names; then run the same command again.",
    ),
    "backup.not_continuous": Code(
        "The restored source does not go on from the lake",
        "Its history leaves the old one before the position that the lake stands at.",
        "Take another point.",
    ),
    "backup.not_exact": Code(
        "What was restored is not what was there",
        "Rows, tables or fingerprints differ after the restore.",
        "Take another point, and keep this one: it should be reported.",
    ),
    "backup.into": Code(
        "The folder for a restore is not empty",
        "A restore never writes over anything.",
        "Name a new folder with --into.",
    ),
    "backup.unfinished": Code(
        "A restore into this folder was interrupted",
        "Nothing in it was proved, so nothing in it may run.",
        "Run the same `tidewright restore` again; it begins anew.",
    ),
}
