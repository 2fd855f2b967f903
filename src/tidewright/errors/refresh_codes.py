"""Codes of the workload runner, the refresh runner and the publisher."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "workload.script_failed": Code(
        "The workload script raised an error",
        "The script's setup or step, or the file itself, raised; the message names file and line.",
        "Correct the script. The runner waits, loads the changed file and starts over.",
    ),
    "workload.not_a_script": Code(
        "The file is not a workload script",
        "The file cannot be read, or lacks one of its two functions.",
        "Write `setup(connection)` and `step(connection, changes)` as in examples/bank-cdc.",
    ),
}
