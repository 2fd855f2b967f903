"""``python -m tidewright.pipelines.ingest.recheck --job FILE``: what main showed, checked again.

Reads pairs of table and metadata file as JSON on stdin and answers, for each metadata file, what
the user's checks say of it now. A process of its own, since the checks are the user's code.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tidewright import errors
from tidewright.model import codec, jobs
from tidewright.pipelines.ingest import audit


def main() -> int:
    parser = argparse.ArgumentParser(prog="tidewright-recheck")
    parser.add_argument("--job", type=Path, required=True)
    job = codec.loads(jobs.IngestJob, parser.parse_args().job.read_text())
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        found = dict(audit.run(job, [tuple(pair) for pair in json.load(sys.stdin)]))
    except errors.PlatformError as reason:
        print(reason.finding.line, file=sys.stderr)  # noqa: T201  the answer to who asked
        return reason.exit_code
    out.write(codec.dumps(found))
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
