"""Environments laid over the file: maps merge, lists replace, null removes.

Every value keeps its own place in the text, so a finding points at whoever said it.
"""

from __future__ import annotations

from collections.abc import Collection

from tidewright.spec import tree

# A short form: `laptop: embedded`.
SHORT = {"embedded": {"target": "local", "engines": "embedded"}}


def merge(base: tree.Node, over: tree.Node) -> tree.Node:
    """``over`` laid on ``base``. Two maps are merged key by key, anything else is replaced."""
    if not (isinstance(base, tree.Fields) and isinstance(over, tree.Fields)):
        return over
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        if isinstance(entry.node, tree.Leaf) and entry.node.value is None:
            entries.pop(key, None)
        elif key in entries:
            node = merge(entries[key].node, entry.node)
            entries[key] = tree.Entry(entry.mark, node)
        else:
            entries[key] = tree.Entry(entry.mark, _without_nulls(entry.node))
    return tree.Fields(base.mark, entries)


def expand(environment: tree.Node) -> tree.Node:
    """The long form of a short one; any other value is left for the model to judge."""
    if isinstance(environment, tree.Leaf) and environment.value in SHORT:
        mark = environment.mark
        words = SHORT[str(environment.value)]
        leaves = {k: tree.Entry(mark, tree.Leaf(mark, v)) for k, v in words.items()}
        return tree.Fields(mark, leaves)
    return environment


def split(
    environment: tree.Fields, own: Collection[str], shared: Collection[str] = ()
) -> tuple[tree.Fields, tree.Fields]:
    """An environment's own keys, and the keys of the platform that it overrides.

    A ``shared`` key is the environment's own as a word, and the platform's as a map.
    """
    mine = {
        k: e
        for k, e in environment.entries.items()
        if k in own and not (k in shared and isinstance(e.node, tree.Fields))
    }
    rest = {k: e for k, e in environment.entries.items() if k not in mine}
    return tree.Fields(environment.mark, mine), tree.Fields(environment.mark, rest)


def _without_nulls(node: tree.Node) -> tree.Node:
    """A null in a map that overrides nothing still means: not there."""
    if not isinstance(node, tree.Fields):
        return node
    kept = {
        key: tree.Entry(entry.mark, _without_nulls(entry.node))
        for key, entry in node.entries.items()
        if not (isinstance(entry.node, tree.Leaf) and entry.node.value is None)
    }
    return tree.Fields(node.mark, kept)
