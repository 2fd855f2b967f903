"""The commands of a page: what follows ``$`` in its ```console blocks, in order."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: str) -> Iterator[list[str]]:
    """Each command as words, comments removed."""
    for block in BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield shlex.split(line[2:], comments=True)
