"""What .ci/run asks about its own results; standard library only, Python 3.11.

judge.py time NAME SECONDS   against .ci/budget.toml: over is said, over twice fails
judge.py skips FILE.xml      against .ci/allowed-skips.toml; a file without tests fails too
judge.py complete            every heavy test that exists ran in one of the suites
"""

from __future__ import annotations

import fnmatch
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE / "out"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["time", name, seconds]:
            return time_spent(name, int(seconds))
        case ["skips", file]:
            return skips(Path(file))
    print(__doc__)
    return 2


def time_spent(name: str, seconds: int) -> int:
    budget = tomllib.loads((HERE / "budget.toml").read_text())["seconds"]
    with (OUT / "times").open("a") as times:
        times.write(f"{name:12} {seconds:5} of {budget.get(name, 0)} s\n")
    if name not in budget:
        print(f"!!! {name} has no share in .ci/budget.toml")
        return 1
    if seconds > budget[name]:
        print(f"!!! {name} took {seconds} s; its share in .ci/budget.toml is {budget[name]} s")
    return int(seconds > 2 * budget[name])


def skips(file: Path) -> int:
    if not file.exists() or not (cases := list(ElementTree.parse(file).iter("testcase"))):
        print(f"!!! {file.name}: no test ran")
        return 1
    allowed = tomllib.loads((HERE / "allowed-skips.toml").read_text()).get("skip", [])
    skipped = [(_name(case), reason) for case in cases for reason in _skip_reasons(case)]
    unexplained = [s for s in skipped if not any(_covers(rule, *s) for rule in allowed)]
    for name, reason in unexplained:
        print(f"!!! skipped, and .ci/allowed-skips.toml does not say why: {name}: {reason}")
    return int(bool(unexplained))


def _skip_reasons(case: ElementTree.Element) -> list[str]:
    """Reasons of real skips; an expected failure is a result, and strict, so it is none."""
    found = case.findall("skipped")
    return [e.get("message", "") for e in found if e.get("type") != "pytest.xfail"]


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def _covers(rule: dict[str, str], name: str, reason: str) -> bool:
    return fnmatch.fnmatchcase(name, rule["test"]) and rule["reason"] in reason


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
