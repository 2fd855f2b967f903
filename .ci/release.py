"""Is the tree ready to be released? Says what is not; publishes nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def problems() -> list[str]:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    found = []
    if f"## [{version}]" not in (ROOT / "CHANGELOG.md").read_text():
        found.append(f"CHANGELOG.md has no section for {version}")
    if not list((ROOT / "dist").glob(f"tidewright-{version}-*.whl")):
        found.append(f"dist/ has no wheel of {version} (just build)")
    status = ["git", "status", "--porcelain"]
    if subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip():
        found.append("the working tree has changes that are not committed")
    return found


if __name__ == "__main__":
    found = problems()
    print("\n".join(found) or "ready: tag it and upload dist/ by hand")
    sys.exit(bool(found))
