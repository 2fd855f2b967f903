"""An environment for one package: made once, never half, and with its last words when it fails.

The package is a folder, so that nothing is fetched but what pip itself needs to build: nothing.
"""

import sys

import pytest

from tidewright.clients import venvs
from tidewright.pipelines.load import install


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Commands that write down what they did, in the place of an installer."""
    done = tmp_path / "done"

    def commands(package, home):
        place = str(home / "bin")
        make = f"import os; os.makedirs({place!r}); os.mknod({place + '/python'!r})"
        log = f"open({str(done)!r}, 'a').write('x'); print('Collecting {package}')"
        end = f"import sys; sys.exit('no such package' if {package!r} == 'bad' else 0)"
        return tuple((sys.executable, "-c", text) for text in (make, log, end))

    monkeypatch.setattr(install, "_commands", commands)
    return done


def test_it_is_made_once(tmp_path, made):
    told = []
    first = install.ensure("source-x==1.0", told.append, tmp_path / "cache")
    assert install.ensure("source-x==1.0", told.append, tmp_path / "cache") == first
    assert made.read_text() == "x"
    assert told[0].startswith("installing source-x==1.0 into")
    assert told[-1] == "installing source-x==1.0: Collecting source-x==1.0"


def test_half_an_installation_is_begun_anew(tmp_path, made):
    base = tmp_path / "cache"
    home = install.folder("source-x", base)
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "half").touch()
    install.ensure("source-x", print, base)
    assert not (home / "bin" / "half").exists()
    assert venvs.is_whole(home)


def test_a_failure_says_the_last_words_and_is_tried_again(tmp_path, made):
    for _ in range(2):
        with pytest.raises(install.Failed, match="no such package") as failed:
            install.ensure("bad", print, tmp_path / "cache")
        assert failed.value.code == "load.install_failed"
    assert made.read_text() == "xx"


def test_versions_do_not_share_a_place(tmp_path):
    one, two = (install.folder(f"source-x=={v}", tmp_path) for v in ("1.0", "2.0"))
    assert one != two


def test_uv_is_used_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/uv")
    assert [c[0] for c in install._commands("p", tmp_path)] == ["/usr/bin/uv", "/usr/bin/uv"]
    assert install._commands("p==1 q", tmp_path)[1][-2:] == ("p==1", "q")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert install._commands("p==1 q", tmp_path)[1][-2:] == ("p==1", "q")
    assert install._commands("p", tmp_path)[0][:3] == (sys.executable, "-m", "venv")
