"""What a program, the CLI and the console may call: one name for each operation.

A name is resolved when it is first used, so importing this module loads nothing. The table says
where each lives; the block for type checkers says the same and a test compares the two. Errors
are those of ``tidewright.errors``; nothing here prints, asks or exits.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tidewright.operations import additions as _additions
    from tidewright.operations import backup as _backup
    from tidewright.operations import backup_place as _backup_place
    from tidewright.operations import demo as _demo
    from tidewright.operations import restore as _restore
    from tidewright.operations.adding.source import Added as Added
    from tidewright.operations.adding.source import SourceWish as SourceWish
    from tidewright.operations.adding.source import add_source as add_source
    from tidewright.operations.adding.source import init_from_source as init_from_source
    from tidewright.operations.adding.source import is_whole as is_whole
    from tidewright.operations.bench import bench as bench
    from tidewright.operations.branching import BranchLine as BranchLine
    from tidewright.operations.branching import branch_drop as branch_drop
    from tidewright.operations.branching import branch_list as branch_list
    from tidewright.operations.branching import branch_merge as branch_merge
    from tidewright.operations.check import check as check
    from tidewright.operations.connect import Connections as Connections
    from tidewright.operations.connect import connections as connections
    from tidewright.operations.connect import secret as secret
    from tidewright.operations.connect import store_secret as store_secret
    from tidewright.operations.console_desk import console_desk as console_desk
    from tidewright.operations.console_link import console_link as console_link
    from tidewright.operations.demo import demo as demo
    from tidewright.operations.destroy import forget as forget
    from tidewright.operations.destroy import losses as losses
    from tidewright.operations.destroy import never_up as never_up
    from tidewright.operations.drill import drill as drill
    from tidewright.operations.explain import explain as explain
    from tidewright.operations.explain import explain_code as explain_code
    from tidewright.operations.explain_engine import engine_names as engine_names
    from tidewright.operations.explain_engine import explain_engine as explain_engine
    from tidewright.operations.init import examples as examples
    from tidewright.operations.init import init_from_example as init_from_example
    from tidewright.operations.init_from import with_password as with_password
    from tidewright.operations.logs import Wanted as Wanted
    from tidewright.operations.project import Project as Project
    from tidewright.operations.project import environment as environment
    from tidewright.operations.project import environments as environments
    from tidewright.operations.project import load as load
    from tidewright.operations.query import query as query
    from tidewright.operations.recopy import losing as losing
    from tidewright.operations.recopy import recopy as recopy
    from tidewright.operations.running import destroy as destroy
    from tidewright.operations.running import logs as logs
    from tidewright.operations.running import status as status
    from tidewright.operations.running import stop as stop
    from tidewright.operations.running import up as up
    from tidewright.operations.state import Environment as Environment
    from tidewright.operations.up import Talk as Talk
    from tidewright.operations.verify import verify as verify

    Additions = _additions.Wish
    DemoWish = _demo.Wish
    PointsWish = _backup_place.Wish
    RestoreWish = _restore.Wish
    Restored = _restore.Restored
    backup_create = _backup.create
    backup_list = _backup.listed
    backup_prune = _backup.prune
    backup_verify = _backup.verify
    restore = _restore.asked

_OPERATIONS = "tidewright.operations."
TABLE: Mapping[str, str] = {
    "Added": "adding.source:Added",
    "Additions": "additions:Wish",
    "BranchLine": "branching:BranchLine",
    "Connections": "connect:Connections",
    "Environment": "state:Environment",
    "PointsWish": "backup_place:Wish",
    "Project": "project:Project",
    "SourceWish": "adding.source:SourceWish",
    "Talk": "up:Talk",
    "Wanted": "logs:Wanted",
    "DemoWish": "demo:Wish",
    "RestoreWish": "restore:Wish",
    "Restored": "restore:Restored",
    "add_source": "adding.source:add_source",
    "backup_create": "backup:create",
    "backup_list": "backup:listed",
    "backup_prune": "backup:prune",
    "backup_verify": "backup:verify",
    "bench": "bench:bench",
    "branch_drop": "branching:branch_drop",
    "branch_list": "branching:branch_list",
    "branch_merge": "branching:branch_merge",
    "check": "check:check",
    "connections": "connect:connections",
    "console_desk": "console_desk:console_desk",
    "console_link": "console_link:console_link",
    "demo": "demo:demo",
    "destroy": "running:destroy",
    "drill": "drill:drill",
    "environment": "project:environment",
    "environments": "project:environments",
    "examples": "init:examples",
    "explain": "explain:explain",
    "explain_code": "explain:explain_code",
    "explain_engine": "explain_engine:explain_engine",
    "engine_names": "explain_engine:engine_names",
    "init_from_source": "adding.source:init_from_source",
    "init_from_example": "init:init_from_example",
    "forget": "destroy:forget",
    "is_whole": "adding.source:is_whole",
    "load": "project:load",
    "never_up": "destroy:never_up",
    "logs": "running:logs",
    "losses": "destroy:losses",
    "losing": "recopy:losing",
    "query": "query:query",
    "recopy": "recopy:recopy",
    "restore": "restore:asked",
    "secret": "connect:secret",
    "status": "running:status",
    "stop": "running:stop",
    "store_secret": "connect:store_secret",
    "up": "running:up",
    "verify": "verify:verify",
    "with_password": "init_from:with_password",
}


def __getattr__(name: str) -> Any:
    """Load an operation by its row in the table."""
    try:
        module, _, attribute = TABLE[name].partition(":")
    except KeyError:
        raise AttributeError(f"tidewright.api has no {name}") from None
    return getattr(importlib.import_module(_OPERATIONS + module), attribute)


def __dir__() -> list[str]:
    return sorted(TABLE)
