import pytest

from tidewright.pipelines.workload import script

GOOD = "def setup(connection): ...\n\n\ndef step(connection, changes): return changes\n"


def written(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(text)
    return path


def test_takes_the_two_functions(tmp_path):
    assert script.load(written(tmp_path, GOOD)).step(None, 3) == 3


def test_knows_when_the_file_changed(tmp_path):
    path = written(tmp_path, GOOD)
    loaded = script.load(path)
    assert not loaded.is_stale()
    path.write_text(GOOD + "\n")
    assert loaded.is_stale()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("import nothing_like_it\n" + GOOD, 1, "ModuleNotFoundError"),
        ("\n\ndef setup(:\n", 3, "SyntaxError"),
        ("\n\n1 / 0\n", 3, "division by zero"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, text, line, says):
    with pytest.raises(script.ScriptFailed) as caught:
        script.load(written(tmp_path, text))
    assert caught.value.code == "workload.script_failed"
    assert caught.value.finding.where.line == line
    assert says in caught.value.what


@pytest.mark.parametrize("text", ["", "def setup(connection): ...\nstep = 3\n"])
def test_a_file_without_the_functions_is_refused(tmp_path, text):
    with pytest.raises(script.ScriptFailed) as caught:
        script.load(written(tmp_path, text))
    assert caught.value.code == "workload.not_a_script"


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(script.ScriptFailed, match="cannot be read"):
        script.load(tmp_path / "none.py")
