from __future__ import annotations

import subprocess
import sys

from tidewright.pipelines.decode import speed


def test_compiled_code_lies_in_a_folder_of_the_user_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = speed.cache_folder()
    assert folder == tmp_path / "tidewright" / "numba"
    assert folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_can_write_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "tidewright" / "numba").mkdir(parents=True)
    (tmp_path / "tidewright" / "numba").chmod(0o777)
    assert speed.cache_folder() is None


def test_no_folder_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert speed.cache_folder() is None


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from tidewright.pipelines.decode import decoder, pgoutput, speed
assert isinstance(decoder.decoder({}), pgoutput.PureDecoder)
assert speed.load() is None
assert "turbo" in speed.note(), speed.note()
assert isinstance(decoder.decoder({}), pgoutput.PureDecoder)
"""

LAZY = """
import sys
from tidewright.pipelines.decode import decoder, rawrows, schema, types
from tidewright.pipelines.feeds import peek, snapshot
assert "numba" not in sys.modules
"""


def run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_extra_the_plain_decoder_works_and_says_so():
    run(WITHOUT_NUMBA)


def test_importing_the_data_plane_loads_no_compiler():
    run(LAZY)
