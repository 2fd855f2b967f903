"""Is every event of the topic in exactly one session, or set aside with a reason?

The Delta tables say how far they are. The lake's raw log up to there is the other side: from it
every session is computed anew, by SQL and from the beginning, and compared with what was landed.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from tidewright import errors
from tidewright.assemble import names
from tidewright.model import acts, jobs
from tidewright.model import flow as flows
from tidewright.operations import lakeside, state
from tidewright.operations.proofs.proof import Proof, Say, tell
from tidewright.pipelines.delta import newer
from tidewright.pipelines.sessions import shapes

# What becomes of each event, by the rules of the stage and in the log's order.
_JUDGED = """
create or replace temp table judged as
with parsed as (
  select topic_offset, epoch_us("at") as received, _lsn, op, _seq,
    json_extract_string(value, '$.{key}') as key,
    epoch_us(try_cast(json_extract_string(value, '$.{time}') as timestamptz)) as time
  from {raw}
), fit as (
  select *, coalesce(key is not null and time - received <= {late}, false) as fits from parsed
)
select topic_offset, _lsn, key, time, fits and time >= coalesce(
  max(case when fits then time end) over (
    order by _lsn, op <> 'r', _seq rows between unbounded preceding and 1 preceding),
  time) - {late} as taken
from fit
"""
_EXPECTED = """
create or replace temp table expected as
with began as (
  select *, coalesce(time - lag(time) over mine > {gap}, false) as begins
  from judged where taken and _lsn < {end}
  window mine as (partition by key order by time, topic_offset)
), numbered as (
  select *, sum(case when begins then 1 else 0 end) over (
    partition by key order by time, topic_offset) as number from began
)
select key, min(topic_offset) as first_offset, min(time) as started, max(time) as ended,
  count(*) as events
from numbered group by key, number
"""
_LANDED = """
create or replace temp table landed as
select "{key}" as key, first_offset, epoch_us(started_at) as started, epoch_us(ended_at) as ended,
  events from {files}
"""
_NOTHING = "create or replace temp table landed as select * from expected limit 0"
_DIFFERENT = """
with missing as (select * from expected except all select * from landed),
extra as (select * from landed except all select * from expected),
changed as (select first_offset from missing intersect select first_offset from extra)
select (select count(*) from expected), (select count(*) from landed),
  (select count(*) from missing where first_offset not in (from changed)),
  (select count(*) from extra where first_offset not in (from changed)),
  (select count(*) from changed),
  (select list(key || '-' || first_offset)[:3] from (from missing union from extra))
"""
# Offsets of the log that a table lacks, and that it has too much or twice.
_SIDES = """
with wanted as (select topic_offset from judged where {which} and _lsn < {end}),
there as (select topic_offset from {files})
select (select count(*) from (from wanted except all from there)),
  (select count(*) from (from there except all from wanted)), (select count(*) from there)
"""


def prove(
    environment: state.Environment, name: str, job: jobs.SessionsJob, say: Say, seconds: float
) -> Proof:
    """Sessions, events and what was set aside, against the raw log at the tables' positions."""
    known = shapes.shapes(job)
    at = {s.name: _standing(job, s.name) for s in (known.sessions, known.events, known.late)}
    lander = next(one for one in lakeside.landers(environment) if one.name == names.TOPICS)
    with lakeside.asked(environment, lander) as conn:
        duck = lakeside.views(lakeside.pinned(conn, lander.name))
    duck.execute("set timezone = 'UTC'")
    stage = job.stage
    place = {"raw": f'raw_data."{stage.topic}"', "key": stage.key, "time": stage.time}
    duck.execute(_JUDGED.format(**place, late=int(stage.late * 1e6)))
    compared = _compare(duck, job, known.sessions.name, at[known.sessions.name])
    text = flows.lsn_text(at[known.sessions.name].position)
    told = f"{compared.source_rows:,} sessions in the topic, {compared.lake_rows:,} landed"
    say(f"{name}: at {text} {told}")
    found = (
        _side(duck, at[known.events.name], "taken", f"{known.events.name}: each event once"),
        _side(duck, at[known.late.name], "not taken", f"{known.late.name}: each event once"),
        _sum(duck, at[known.sessions.name], known.sessions.name),
    )
    tell(say, found)
    return Proof(text, (compared,), found)


def _standing(job: jobs.SessionsJob, name: str) -> newer.Standing:
    root = Path(str(job.delta)).joinpath(*name.split("."))
    found = newer.standing(root, job.name)
    if found is None:
        raise errors.Refused(
            "lake.delta_empty", "nothing has landed in it yet", f"Delta table {name}",
            "Wait for the first events: `tidewright status` shows how far it is.",
        )  # fmt: skip
    return found


def _compare(
    duck: duckdb.DuckDBPyConnection, job: jobs.SessionsJob, name: str, at: newer.Standing
) -> acts.TableDifference:
    duck.execute(_EXPECTED.format(gap=int(job.stage.gap * 1e6), end=at.position))
    # The table is there before the first session fits into it.
    landed = _LANDED.format(key=job.stage.key, files=_files(at)) if at.files else _NOTHING
    duck.execute(landed)
    row = duck.execute(_DIFFERENT).fetchone()
    assert row is not None
    expected, landed, missing, extra, changed, some = row
    examples = tuple(some or ())
    return acts.TableDifference(name, expected, landed, missing, extra, changed, examples)


def _side(
    duck: duckdb.DuckDBPyConnection, at: newer.Standing, which: str, name: str
) -> acts.Invariant:
    if not at.files:
        row = duck.execute(
            f"select count(*), 0, 0 from judged where {which} and _lsn < {at.position}"  # noqa: S608  a constant and a number
        ).fetchone()
    else:
        query = _SIDES.format(which=which, end=at.position, files=_files(at))
        row = duck.execute(query).fetchone()
    assert row is not None
    detail = f"{row[2]:,} there, {row[0]} missing, {row[1]} too many"
    return acts.Invariant(name, row[0] == 0 and row[1] == 0, detail)


def _sum(duck: duckdb.DuckDBPyConnection, at: newer.Standing, name: str) -> acts.Invariant:
    query = (
        f"select (select count(*) from judged where taken and _lsn < {at.position}), "  # noqa: S608  a number
        "(select coalesce(sum(events), 0) from landed)"
    )
    row = duck.execute(query).fetchone()
    assert row is not None
    detail = f"{int(row[1]):,} events in sessions, {row[0]:,} taken"
    return acts.Invariant(f"{name}: events add up", int(row[1]) == row[0], detail)


def _files(at: newer.Standing) -> str:
    listed = ", ".join("'" + f.replace("'", "''") + "'" for f in at.files)
    return f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"


def has_row(job: jobs.SessionsJob) -> bool:
    """Whether a reader finds a session."""
    at = newer.standing(Path(str(job.delta)) / job.stage.to / "sessions", job.name)
    return at is not None and bool(at.files)
