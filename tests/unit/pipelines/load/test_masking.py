"""A connector that tells its secrets, in each way that it can: nobody reads them."""

from __future__ import annotations

import logging
import subprocess
import sys
import textwrap

import pytest

from tidewright.pipelines.load import masking, messages, running

SECRET = 'p"ss w/rd+1'
SCRIPT = textwrap.dedent(
    """
    import json, sys, urllib.parse
    secret = sys.argv[1]
    def say(**message): print(json.dumps(message), flush=True)
    say(type="LOG", log={"level": "INFO", "message": f"I log in with {secret}"})
    say(type="RECORD", record={"stream": "s", "data": {"text": secret}})
    print("https://x/?key=" + urllib.parse.quote(secret, safe=""), file=sys.stderr, flush=True)
    say(type="TRACE", trace={"type": "ERROR", "error": {"message": repr(ValueError(secret))}})
    print("x" * 115 + secret, flush=True)
    """
)


@pytest.fixture
def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, SECRET],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_what_a_person_may_read_has_no_secret_and_records_are_as_they_were(
    child: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = running.Running(child, 20, "connector toy", masking.Mask((SECRET,)))
    found: list[messages.Message] = []
    with pytest.raises(running.Silent) as told:
        for message in asked.messages():
            found.append(message)
    child.wait(20)
    asked.close()
    note, record, failed = found
    assert note == messages.Note("INFO", "I log in with ***")
    assert record == messages.Record("s", {"text": SECRET})
    assert isinstance(failed, messages.Failed)
    everything = " ".join((failed.message, told.value.finding.line, caplog.text))
    assert "ValueError('***')" in failed.message
    assert "https://x/?key=***" in caplog.text
    assert 'p"' not in everything and "p%22" not in everything and "w/rd" not in everything


def test_what_is_short_or_nothing_stays() -> None:
    assert masking.Mask(("", "abc")).text("abc and an empty one") == "abc and an empty one"


def test_a_secret_within_another_does_not_uncover_it() -> None:
    assert masking.Mask(("word", "password")).text("a password, a word") == "a ***, a ***"


@pytest.mark.parametrize(
    "said", ["password s3cr%40t!", "password s3cr@t!", "key=t0ken+of+mine", "key t0ken of mine"]
)
def test_of_an_address_its_parts_are_secrets_too(said: str) -> None:
    mask = masking.Mask(["https://me:s3cr%40t!@example.com/x?page=1&key=t0ken+of+mine"])
    assert mask.text(said).rstrip(masking.SHOWN).endswith(("password ", "key=", "key "))
    assert mask.text("example.com, page 1") == "example.com, page 1"
