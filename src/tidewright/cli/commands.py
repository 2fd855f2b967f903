"""The verbs, in four groups of help. A verb without a body has no row.

To add one: write ``cli/verbs/<verb>.py`` with a click command called ``command``, and add a row.
The module is imported only when the verb is used, and itself imports only api, model, errors and
kit, so that ``--help`` stays quick. Options that several verbs share are in ``options``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Group = Literal["start", "look", "trust", "ship"]
GROUPS: Mapping[Group, str] = {
    "start": "Start",
    "look": "Look",
    "trust": "Trust",
    "ship": "Ship",
}


@dataclass(frozen=True, slots=True)
class Verb:
    """A row: its group, one line of help, and the module that has ``command``."""

    group: Group
    summary: str
    module: str


def _verb(group: Group, name: str, summary: str) -> Verb:
    return Verb(group, summary, f"tidewright.cli.verbs.{name}")


VERBS: Mapping[str, Verb] = {
    "init": _verb("start", "init", "Write a platform file, from an example or a source."),
    "add": _verb("start", "add", "Add a source of your own to the platform file."),
    "demo": _verb("start", "demo", "Run the examples for a while and measure them."),
    "up": _verb("start", "up", "Make an environment what the file asks for."),
    "open": _verb("start", "open", "Open the console in a browser, or print its link."),
    "connect": _verb("start", "connect", "Show how to connect, or one secret."),
    "stop": _verb("start", "stop", "End all processes; data, slot and ports stay."),
    "destroy": _verb("start", "destroy", "Remove an environment and all its data."),
    "status": _verb("look", "status", "Show what runs, and how fresh it is."),
    "logs": _verb("look", "logs", "Show what services say."),
    "query": _verb("look", "query", "Ask the lake one question in SQL."),
    "branch": _verb("look", "branch", "Show branches beside main; merge or drop one."),
    "explain": _verb("look", "explain", "Say who plays each role, how, or what a code means."),
    "check": _verb("trust", "check", "Check the file, and your own source against it."),
    "verify": _verb("trust", "verify", "Compare the lake with the source, row by row."),
    "drill": _verb("trust", "drill", "Prove that the backup brings everything back."),
    "bench": _verb("trust", "bench", "Measure this machine, with the commands to repeat it."),
    "backup": _verb("ship", "backup", "Make, list, check and forget recovery points."),
    "restore": _verb("ship", "restore", "Bring a recovery point back, in a new folder."),
}
