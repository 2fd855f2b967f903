"""One thing more in a file, and not a byte of the others changed."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tidewright.operations import init
from tidewright.spec import edited, tree

STEP = edited.Step({"load": {"connector": {"python": "c.py"}, "every": "5s"}}, "ours")
FILES = ("flow", 1, "load", "config")
BLOCK = """\
# The top.
tidewright: 0     # a version
platform: shop

flow:
  # first
  - capture: {from: bank,
              tables: [bank.users]}   # two lines

  # the second
  - load:
      config:
        one: {a: 1}    # kept

        # about nothing

      to: bronze

  # models
  - model:   {dbt: models/}
run: {laptop: embedded}"""


def lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """What was taken away, and what was added."""
    told = [
        d for d in difflib.ndiff(before.splitlines(True), after.splitlines(True)) if d[0] != "?"
    ]
    return [d[2:] for d in told if d[0] == "-"], [d[2:] for d in told if d[0] == "+"]


def plain(text: str) -> dict[str, object]:
    parsed = tree.parse(text, "x")
    assert parsed.root is not None and not parsed.findings
    found: dict[str, object] = tree.plain(parsed.root)
    return found


def test_a_step_goes_behind_the_last_one_that_brings_rows_in() -> None:
    before = BLOCK + "\n"
    after = edited.text(before, [STEP])
    gone, news = lines(before, after)
    assert gone == []
    assert news == [
        "  # ours\n", "  - load:\n", "      connector: {python: c.py}\n", "      every: 5s\n",
    ]  # fmt: skip
    assert after.index("to: bronze") < after.index("# ours") < after.index("# models")


def test_a_key_goes_behind_the_last_one_of_its_map() -> None:
    before = BLOCK + "\n"
    after = edited.text(before, [edited.Entry(FILES, "two", {"b": 2})])
    assert lines(before, after) == ([], ["        two: {b: 2}\n"])
    assert after.index("one:") < after.index("two:") < after.index("# about nothing")


def test_a_map_that_is_missing_stands_before_the_flow() -> None:
    before = BLOCK.replace("flow:", "# The flow.\nflow:") + "\n"
    after = edited.text(before, [edited.Entry(("sources",), "bank", {"postgres": {"url": {}}})])
    assert lines(before, after)[0] == []
    assert after.index("sources:") < after.index("# The flow.")


def test_lines_end_as_they_did_and_a_last_one_without_an_end_is_no_harm() -> None:
    before = BLOCK.replace("\n", "\r\n")
    after = edited.text(before, [STEP])
    assert after.count("\n") == after.count("\r\n")
    assert after.replace("\r\n", "\n").rstrip().endswith("run: {laptop: embedded}")


@pytest.mark.parametrize("indent", ["", "    "])
def test_lists_may_be_indented_as_one_likes(indent: str) -> None:
    before = f"flow:\n{indent}- load:\n{indent}    to: a\n{indent}-   model: {{}}\nrun: x\n"
    after = edited.text(before, [STEP])
    assert lines(before, after)[0] == []
    assert f"{indent}- load:\n{indent}    connector:" in after


def test_a_list_in_brackets_is_written_anew_with_its_comments() -> None:
    before = "platform: shop  # mine\nflow: [{load: {to: a}}, {model: {dbt: models/}}]\n# the end\n"
    after = edited.text(before, [STEP])
    assert "# mine" in after and "# the end" in after
    assert [next(iter(s)) for s in plain(after)["flow"]] == ["load", "load", "model"]  # type: ignore[attr-defined]


def test_a_text_in_which_a_line_looks_like_the_end_is_not_spoilt() -> None:
    before = "flow:\n  - load:\n      note: |\n        # no comment\n      to: a\n  - model: {}\n"
    after = edited.text(before, [STEP])
    assert lines(before, after)[0] == []
    assert plain(after)["flow"][0] == plain(before)["flow"][0]  # type: ignore[index]


def test_what_cannot_be_kept_is_not_written_but_shown() -> None:
    """In YAML 1.1 the word no means false, and a round trip would say so."""
    before = "%YAML 1.1\n---\nplatform: no\nflow: [{load: {to: a}}]\n"
    with pytest.raises(edited.NoPlace) as caught:
        edited.text(before, [STEP])
    assert caught.value.lines[1:] == (
        "  - load:", "      connector: {python: c.py}", "      every: 5s",
    )  # fmt: skip


@pytest.mark.parametrize("name", init.examples())
def test_every_example_takes_a_step_without_losing_a_byte(name: str) -> None:
    before = Path(init._examples() / name / "platform.yaml").read_text()
    gone, news = lines(before, edited.text(before, [STEP]))
    assert (gone, len(news)) == ([], 4)
