"""Codes of platform.yaml: its text, its keys, and what it names."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "file.clash": Code(
        "Two tables would have one name",
        "Raw tables lie side by side under one name; current state keeps the source's schemas.",
        "Choose another name after `to:`, or capture one of the two tables.",
    ),
    "file.duplicate_key": Code(
        "A key stands twice in one map",
        "YAML readers silently take one of the two, and not all take the same.",
        "Keep one of them.",
    ),
    "file.missing": Code(
        "There is no such file",
        "The command looked for platform.yaml in this folder, or for what `--file` names.",
        "Go to its folder, name it with `--file`, or write one with `tidewright init`.",
    ),
    "file.missing_key": Code(
        "A needed key is missing",
        "A map lacks a key that has no default.",
        "Add the key that the message names.",
    ),
    "file.no_model": Code(
        "A published table has no model",
        "`publish.tables` names a model of which the dbt project has no `.sql` file.",
        "Add the model, or correct the name.",
    ),
    "file.no_runner": Code(
        "Nothing can run a step here",
        "No component of this environment's engines can run this kind of step.",
        "Leave the step out in this environment, or choose other engines.",
    ),
    "file.no_such_path": Code(
        "A folder or file that the file names does not exist",
        "Paths are read from the folder in which platform.yaml lies.",
        "Create it, or correct the path.",
    ),
    "file.not_yet": Code(
        "Not supported yet",
        "The word is part of the design and has no working body in this version.",
        "Leave it out for now; ROADMAP.md says when it comes.",
    ),
    "file.order": Code(
        "Steps stand in an order that cannot work",
        "A flow is read from top to bottom; each step works on the result of those above it.",
        "Order them: capture, model, check, publish.",
    ),
    "file.outside": Code(
        "A path leads out of the folder of the file",
        "A platform is one folder: absolute paths, `..` and links out of it are refused.",
        "Copy what is needed into the folder and name it from there.",
    ),
    "file.repeated": Code(
        "Something is listed twice",
        "A list names the same thing twice.",
        "Keep one of them.",
    ),
    "file.secret_in_clear": Code(
        "A secret stands in the file",
        "A URL, or something else that is no name, stands where only a secret's name may.",
        "Write {secret: NAME}, store the value with `tidewright connect --set-secret NAME`, and "
        "change the value if the file was shared.",
    ),
    "file.too_large": Code(
        "The file is too large",
        "A platform file of more than 256 KB holds data or repetition.",
        "Move data into files of its own.",
    ),
    "file.two_runners": Code(
        "Two components can run one step",
        "Each step is bound to exactly one runner in each environment.",
        "Name one of them under `engines`.",
    ),
    "file.unknown_environment": Code(
        "No such environment",
        "`run` has no environment of that name.",
        "Choose one of those that the message lists, or add it under `run`.",
    ),
    "file.unknown_key": Code(
        "An unknown key",
        "The key is not part of the grammar at this place; it may be misspelt.",
        "Use one of the keys that the message lists.",
    ),
    "file.unknown_source": Code(
        "No such source",
        "`from` names a source that is not under `sources`.",
        "Correct the name, or add the source.",
    ),
    "file.unknown_table": Code(
        "A table that is not captured",
        "`raw_columns` names a table that `tables` does not.",
        "Correct the name, or capture the table.",
    ),
    "file.unreadable": Code(
        "The file cannot be read",
        "The operating system refused to open it.",
        "Correct its permissions or its path.",
    ),
    "file.version": Code(
        "The file is written in another version",
        "This program reads version 0 of the grammar.",
        "Write `tidewright: 0`, or use the program that the file was written for.",
    ),
    "file.wrong_type": Code(
        "A value of the wrong kind",
        "Text, a number, a list or a map stands where another kind is needed.",
        "Write what the message asks for.",
    ),
    "file.wrong_unit": Code(
        "A quantity with a wrong unit, or none",
        "Quantities carry units, so that 30 is never taken for minutes by one and seconds by "
        "another.",
        "Write a number with a unit of the family that the message names.",
    ),
    "file.wrong_value": Code(
        "A value that is not allowed here",
        "The value is of the right kind, and not one that means anything at this place.",
        "Write one that the message allows.",
    ),
    "file.yaml": Code(
        "Not YAML",
        "Quotes, brackets or indentation do not match at the place named, or just above it.",
        "Correct it there; an editor that knows YAML shows it as well.",
    ),
    "file.yaml_feature": Code(
        "A feature of YAML that is not read",
        "Tags, anchors, aliases, merge keys and further documents can hide what a file says.",
        "Write the value out.",
    ),
}
