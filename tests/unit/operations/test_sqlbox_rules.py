"""What the SQL box takes and refuses, by parse alone."""

from __future__ import annotations

import re

import pytest

from tidewright import errors
from tidewright.operations import sqlbox_rules

TABLES = {"bank.users", "bank.accounts"}
TAKEN = [
    "select 1",
    "select 1;",
    "select * from bank.users u join bank.accounts a on u.id = a.user_id",
    "SELECT * FROM Bank.Users",
    "with x as (select * from bank.users) select count(*) from x",
    "from bank.users",
    "(select 1) union all (select 2)",
    "select * from range(10)",
    "select * from generate_series(1, 3) t(i)",
    "select * from unnest([1, 2])",
    "select * from (values (1)) v(a)",
    "select * from information_schema.tables",
    "select sum(id) over (order by id) from bank.users qualify 1 = 1",
    "select 'drop table x; --' as text -- ; drop table x",
]
REFUSED = [
    "insert into bank.users values (1)",
    "update bank.users set id = 1",
    "delete from bank.users",
    "merge into x using y on 1 = 1 when matched then delete",
    "with x as (delete from bank.users returning *) select * from x",
    "with x as (insert into a values (1) returning *) select * from x",
    "with x as (select 1) delete from bank.users",
    "select * into x from bank.users",
    "create table x as select 1",
    "drop table bank.users",
    "copy (select 1) to '/tmp/x'",
    "copy bank.users to '/tmp/x'",
    "attach '/tmp/x.db'",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "set threads = 1",
    "use x",
    "call pragma_version()",
    "explain select 1",
    "describe bank.users",
    "show tables",
    "begin",
    "select 1; select 2",
    "",
    "  ;",
    "-- nothing",
    "values (1), (2)",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select (select content from read_text('/etc/passwd'))",
    "select * from (select * from read_parquet('x'))",
    "select * from '/etc/passwd'",
    "select * from 'x.parquet'",
    "select * from glob('*')",
    "select * from iceberg_scan('x')",
    "select * from duckdb_settings()",
    "select * from pragma_database_list()",
    "select * from query('drop table x')",
    "select * from query_table('bank.users')",
    "select * from pg_catalog.pg_class",
    "select * from other.information_schema.tables",
    "select * from bank.users where id in (select a from other.t)",
]


@pytest.mark.parametrize("sql", TAKEN)
def test_taken(sql: str) -> None:
    sqlbox_rules.check(sql, TABLES)


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(sql: str) -> None:
    with pytest.raises(errors.Refused, match=re.escape("console.sql_refused")):
        sqlbox_rules.check(sql, TABLES)


@pytest.mark.parametrize("sql", ["select from where", "selec 1", "(" * 3000, "select 'x"])
def test_what_cannot_be_parsed(sql: str) -> None:
    with pytest.raises(errors.Refused) as caught:
        sqlbox_rules.check(sql, TABLES)
    assert caught.value.code in ("console.sql_syntax", "console.sql_refused")
