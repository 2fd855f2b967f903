"""The shape of our own tree: how long modules and functions are, how much is prose.

A worsening tail (p90, max) is a defect. ``measure`` is also what the architecture tests use.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Shape:
    modules: int
    lines: Sequence[int]
    functions: Sequence[int]
    doc_lines: int
    comment_lines: int
    typed: int


def measure(folder: Path) -> Shape:
    texts = [path.read_text() for path in sorted(folder.rglob("*.py"))]
    trees = [ast.parse(text) for text in texts]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    return Shape(
        modules=len(texts),
        lines=[text.count("\n") for text in texts],
        functions=[length(node) for node in functions],
        doc_lines=sum(_doc_lines(tree) for tree in trees),
        comment_lines=sum(line.lstrip().startswith("#") for t in texts for line in t.splitlines()),
        typed=sum(node.returns is not None for node in functions),
    )


def length(node: Function) -> int:
    """Lines from ``def`` to the last statement, docstring included, decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _doc_lines(tree: ast.Module) -> int:
    owners = [n for n in ast.walk(tree) if isinstance(n, Function | ast.ClassDef | ast.Module)]
    return sum((ast.get_docstring(n) or "").count("\n") + 1 for n in owners if ast.get_docstring(n))


def percentile(values: Sequence[int], share: float) -> int:
    ordered = sorted(values) or [0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    source = ROOT / "src" / "tidewright"
    whole, tests = measure(source), measure(ROOT / "tests")
    parts = [path for path in sorted(source.iterdir()) if (path / "__init__.py").exists()]
    rows = [("package", whole), *((path.name, measure(path)) for path in parts)]
    print("| tree | modules / lines | module med, p90, max | fn med, p90, max", end="")
    print(" | doc % | com % | ret % |\n|---|---|---|---|---|---|---|")
    for name, shape in rows:
        print(row(name, shape))
    print(f"\ntests to source, in lines: {sum(tests.lines) / max(1, sum(whole.lines)):.2f}")


def row(name: str, shape: Shape) -> str:
    total = max(1, sum(shape.lines))
    return (
        f"| {name} | {shape.modules} / {total} | {tail(shape.lines)} | {tail(shape.functions)} "
        f"| {100 * shape.doc_lines / total:.0f} | {100 * shape.comment_lines / total:.0f} "
        f"| {100 * shape.typed / max(1, len(shape.functions)):.0f} |"
    )


def tail(values: Sequence[int]) -> str:
    median = statistics.median(values) if values else 0
    return f"{median:.0f}, {percentile(values, 0.9)}, {max(values, default=0)}"


if __name__ == "__main__":
    main()
