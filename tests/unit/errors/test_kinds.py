"""The families: exit codes that scripts rely on, and messages that hold every finding."""

from __future__ import annotations

from tidewright import errors


def finding(code: str, line: int) -> errors.Finding:
    return errors.Finding(code, f"line {line} is wrong", errors.Where("file", line, 3), "Mend it.")


def test_exit_codes_are_the_documented_ones() -> None:
    kinds = [errors.Bug, errors.SpecError, errors.Unsupported, errors.Refused]
    kinds += [errors.StepFailed, errors.TimedOut, errors.PromiseBroken]
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4, 5, 6, 7]


def test_where_prints_as_a_file_position() -> None:
    assert str(errors.Where("platform.yaml", 4, 7)) == "platform.yaml:4:7"
    assert str(errors.Where("service capture")) == "service capture"


def test_text_has_place_code_and_remedy() -> None:
    error = errors.Refused("local.busy", "another command is at work", "laptop", "Wait for it.")
    assert str(error) == "laptop: another command is at work [local.busy]\n    Wait for it."
    assert (error.code, error.what, error.hint) == (
        "local.busy",
        "another command is at work",
        "Wait for it.",
    )


def test_spec_error_keeps_all_findings_in_order() -> None:
    found = (finding("file.key", 1), finding("file.unit", 9))
    error = errors.SpecError(found)
    assert error.findings == found
    assert error.code == "file.key"
    assert str(error).index("file:1:3") < str(error).index("file:9:3")
