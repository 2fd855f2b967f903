"""A child without dbt, for tests of the waiter: does what a file beside the job says."""

import argparse
import os
import threading
import time
from pathlib import Path

from tidewright.model import codec
from tidewright.pipelines.refresh import outcome

parser = argparse.ArgumentParser()
parser.add_argument("--job", type=Path)
parser.add_argument("--progress")
arguments = parser.parse_args()
progress = codec.loads(outcome.Progress, arguments.progress)
folder = arguments.job.parent
(folder / "pid").write_text(str(os.getpid()))
threading.Thread(target=lambda: (os.read(0, 1), os._exit(0)), daemon=True).start()
for line in (folder / "script").read_text().splitlines():
    if line == "stay":
        time.sleep(60)
    elif line == "crash":
        os.kill(os.getpid(), 9)
    else:
        number = progress.seen.get("bank", 0) + 1
        seen = outcome.Progress({"bank": number}, {"bank": number}, progress.since_ms)
        print(codec.dumps(outcome.Outcome(line, f"commit {number}", seen)), end="", flush=True)
