"""What Trino leaves in the bucket of a refresh's catalog: old files of views, homes of nobody.

A view that is replaced gets a new metadata file, and nothing removes the one before; a query that
was killed leaves the files of a table that never came to be. One process writes this catalog, so
between two of its refreshes whatever the catalog does not name is not needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

VIEW = "VIEW"
# Trino names the folder of a table or view with 32 digits of its own. Nothing else is touched: a
# schema of the lake may be called like the folder.
_HOME = r"/[^/]+/[^/]+-[0-9a-f]{32}(?=/)"


@dataclass(frozen=True, slots=True)
class Made:
    """One table or view of a catalog. ``metadata``: the file that its pointer names."""

    schema: str
    name: str
    kind: str
    metadata: str

    @property
    def path(self) -> str:
        """The metadata file as ``bucket/key``."""
        return self.metadata.partition("://")[2]

    @property
    def home(self) -> str:
        """Its folder as ``bucket/key``."""
        return self.path.rpartition("/metadata/")[0]


def of(folder: str, files: Iterable[str], made: Sequence[Made]) -> Iterator[str]:
    """Which of the files below ``folder`` (both ``bucket/key``) nobody needs."""
    homes = {one.home: one for one in made}
    pattern = re.compile(re.escape(folder) + _HOME)
    for file in files:
        home = pattern.match(file)
        if home is None:
            continue
        one = homes.get(home.group())
        if one is None or (one.kind == VIEW and file != one.path):
            yield file
