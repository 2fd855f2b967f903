"""``python -m tidewright.clients.launch --job FILE``: become a program whose files hold secrets.

The files are written anew at each start, for their owner alone, into the environment's ``run``
folder. This process then is that program: the supervisor sees its pid, its signals and its end.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tidewright.kit import files
from tidewright.model import codec, native, values
from tidewright.vault import files as vault


def main(argv: Sequence[str] | None = None) -> NoReturn:
    parser = argparse.ArgumentParser(prog="tidewright.clients.launch")
    parser.add_argument("--job", type=Path, required=True)
    file: Path = parser.parse_args(argv).job
    become(codec.loads(native.LaunchJob, file.read_text(encoding="utf-8")))


def become(job: native.LaunchJob, more: Sequence[str] = ()) -> NoReturn:
    """Write the files, then be the program; ``more``: further arguments for it."""
    folder = files.private_folder(Path(str(job.folder)))
    for name, private in job.files.items():
        path = folder / name
        files.private_folder(path.parent)
        files.replace(path, text(private, str(job.secrets)), files.PRIVATE_FILE, sync=False)
    words = [str(word) for word in job.argv] + list(more)
    os.execve(words[0], words, {**os.environ, **{k: str(v) for k, v in job.env.items()}})  # noqa: S606  an argument list of ours


def text(private: values.Private, secrets: Path | str) -> str:
    """The parts in one, with each secret's value."""
    return "".join(
        vault.read(secrets, part.name) if isinstance(part, values.Secret) else str(part)
        for part in private.parts
    )


if __name__ == "__main__":
    main()
