"""A captured source as Flink SQL: names and types of the laptop, one job, nothing guessed."""

from __future__ import annotations

import re

import pytest

from tidewright import errors
from tidewright.pipelines.decode import rawrows
from tidewright.pipelines.deploy import script, types
from tidewright.pipelines.feeds import tables

PLACE = script.Place("lake", {"type": "iceberg", "p": "it's"}, "h:9092", "me", "raw")


def column(name: str, oid: int, typmod: int = -1, number: int = 1) -> tables.SourceColumn:
    return tables.SourceColumn(number, name, oid, typmod, "its type", True, False, True)


USERS = script.Table(
    "bank.users",
    (column("id", 20), column("email", 25), column("opened", 1184), column("born", 1082),
     column("rate", 1700, (12 << 16 | 2) + 4)),
    ("id",), ("id", "email", "opened"),
)  # fmt: skip
NOTES = script.Table("bank.notes", (column("key`s", 23), column("data", 25)), ("key`s",), ("data",))


def test_a_table_is_named_and_typed_as_on_the_laptop() -> None:
    text = script.compiled([USERS], PLACE)
    assert (
        "CREATE TABLE IF NOT EXISTS `lake`.`bank`.`users` (`id` BIGINT NOT NULL, `email` STRING,"
        " `opened` TIMESTAMP_LTZ(6), `born` DATE, `rate` DECIMAL(12, 2), PRIMARY KEY (`id`) NOT"
        " ENFORCED)"
    ) in text
    raw = re.search(
        r"CREATE TABLE IF NOT EXISTS `lake`\.`raw`\.`users` \((.*?)\) PARTITIONED", text
    )
    assert raw is not None
    names = re.findall(r"`(\w+)`", raw.group(1))
    assert names == ["id", "email", "opened", *rawrows.OWN, "_partition"]
    assert "PARTITIONED BY (`partition_date`, `source_table`)" in text


def test_every_table_is_in_one_job() -> None:
    text = script.compiled([USERS, NOTES], PLACE)
    begin, end = text.index("EXECUTE STATEMENT SET BEGIN"), text.index("END;")
    assert text[begin:end].count("INSERT INTO") == 4
    assert "INSERT" not in text[:begin] + text[end:]
    groups = re.findall(r"'properties.group.id' = '([^']+)'", text)
    assert len(set(groups)) == 4


def test_names_and_texts_are_quoted() -> None:
    text = script.compiled([NOTES], PLACE)
    assert "`key``s` INT NOT NULL" in text and "'p' = 'it''s'" in text
    # A column called data is shown under the name that the laptop gives it.
    assert "`src_data` STRING" in text
    assert "$[''data'']" in text


def test_the_old_row_is_read_for_a_delete_alone() -> None:
    text = script.compiled([USERS], PLACE)
    assert (
        "CASE WHEN JSON_VALUE(`value`, '$.op') = 'd' THEN JSON_QUERY(`value`, '$.before')" in text
    )
    assert "ELSE JSON_QUERY(`value`, '$.after') END" in text


def test_moments_keep_their_microseconds_and_dates_lose_their_zone() -> None:
    moment, date = types.MAP[1184], types.MAP[1082]
    assert moment.read("x") == "CAST(REPLACE(REPLACE(x, 'T', ' '), 'Z', '') AS TIMESTAMP_LTZ(6))"
    assert date.read("x") == "CAST(SUBSTRING(x, 1, 10) AS DATE)"
    assert types.from_text(types.MAP[20], "x") == "CAST(x AS BIGINT)"


@pytest.mark.parametrize("oid", [17, 1083, 1186, 1007])
def test_a_type_that_would_not_arrive_exactly_is_refused(oid: int) -> None:
    table = script.Table("s.t", (column("id", 20), column("bad", oid)), ("id",), ("id",))
    with pytest.raises(errors.Unsupported) as caught:
        script.compiled([table], PLACE)
    assert caught.value.finding.code == "source.type_not_carried"
    assert "s.t.bad" in str(caught.value)


def test_the_same_tables_give_the_same_bytes() -> None:
    assert script.compiled([USERS, NOTES], PLACE) == script.compiled([USERS, NOTES], PLACE)
