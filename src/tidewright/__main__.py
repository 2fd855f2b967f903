"""``python -m tidewright``, and the command of that name."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command and exit with its code."""
    try:
        # Loaded here: Ctrl-C while it loads is answered like any other.
        from tidewright.cli import failures  # noqa: PLC0415
        from tidewright.cli import main as cli  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    try:
        cli.main()
    except KeyboardInterrupt:  # after the command, while its answer is written
        sys.stderr.write("Interrupted.\n")
        sys.exit(failures.INTERRUPTED)


if __name__ == "__main__":
    main()
