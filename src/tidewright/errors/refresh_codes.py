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
    "refresh.engine_away": Code(
        "The engine of the models does not answer",
        "Trino restarts, or is too busy to take a query; the marts stay as last published.",
        "Nothing: it is tried again. If it stays away, look at the log of the service `trino`.",
    ),
    "refresh.mart_in_use": Code(
        "A mart's column cannot change",
        "The model drops a column or changes its type, and something needs the old one.",
        "Drop or change what depends on it, or keep the column. The old marts stay until then.",
    ),
    "refresh.bad_key": Code(
        "A mart's key does not name one row each",
        "Two rows share the key, or the key is null, so the rows cannot be told apart.",
        "Correct the model, or the key that its unique_key or its tests declare.",
    ),
    "refresh.mart_locked": Code(
        "A mart is open while its columns change",
        "Adding or dropping a column waits for readers, three seconds at most.",
        "Nothing: it is tried again. End the reader's transaction if it takes too long.",
    ),
    "refresh.marts_away": Code(
        "The marts database went away",
        "The connection broke while marts were written; nothing of that refresh is visible.",
        "Nothing: it is tried again. If it stays away, look at the log of the service `store`.",
    ),
    "refresh.publish_failed": Code(
        "PostgreSQL refused a mart",
        "A value or a name in the mart is not possible in PostgreSQL; the message says which.",
        "Correct the model. The marts stay as last published.",
    ),
    "refresh.project_invalid": Code(
        "dbt cannot read the project",
        "A file of the dbt project is not valid, or names a model or source that does not exist.",
        "Correct the file that the message names. It is read again as soon as it changes.",
    ),
    "refresh.layer": Code(
        "A model reaches past a layer",
        "With `layers`, raw tables feed the first layer, and each layer feeds itself and the next.",
        "Read the layer in between, or leave `layers` out of the model step.",
    ),
    "refresh.model_failed": Code(
        "A model or a test did not run",
        "DuckDB or dbt refused the SQL of a model; the message names file and line.",
        "Correct the model. The marts stay as last published until it works.",
    ),
    "refresh.check_unusable": Code(
        "A check did not run",
        "The SQL of a check file is not one SELECT that DuckDB accepts, or its folder is missing.",
        "Correct the file. The marts stay as last published until it works.",
    ),
    "refresh.unknown_mart": Code(
        "publish names a model that does not exist",
        "Each name under `publish.tables` must be a model of the dbt project.",
        "Correct the name in the platform file, or add the model.",
    ),
}
