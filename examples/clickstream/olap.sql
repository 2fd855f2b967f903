-- ClickHouse's own file: the database, then tables, then materialized views. On a laptop the same
-- tables are kept in the marts database, schema olap; at scale ClickHouse runs this file as it is.
CREATE DATABASE IF NOT EXISTS clickstream;

-- What was looked at, minute by minute.
CREATE TABLE IF NOT EXISTS clickstream.pages_per_minute (
  minute    DateTime('UTC'),
  page      String,
  events    UInt64,
  buys      UInt64,
  revenue   SimpleAggregateFunction(sum, Decimal(18, 2)),
  last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
) ENGINE = SummingMergeTree ORDER BY (minute, page);

CREATE MATERIALIZED VIEW IF NOT EXISTS clickstream.pages_per_minute_mv
TO clickstream.pages_per_minute AS
SELECT
  toStartOfMinute(at) AS minute,
  page,
  count() AS events,
  countIf(kind = 'buy') AS buys,
  sum(amount) AS revenue,
  max(at) AS last_seen
FROM clickstream.clicks
GROUP BY minute, page;

-- Where visitors come from, and with what.
CREATE TABLE IF NOT EXISTS clickstream.devices_per_minute (
  minute DateTime('UTC'),
  device LowCardinality(String),
  kind   LowCardinality(String),
  events UInt64
) ENGINE = SummingMergeTree ORDER BY (minute, device, kind);

CREATE MATERIALIZED VIEW IF NOT EXISTS clickstream.devices_per_minute_mv
TO clickstream.devices_per_minute AS
SELECT toStartOfMinute(at) AS minute, device, kind, count() AS events
FROM clickstream.clicks
GROUP BY minute, device, kind;

-- Sessions by the minute in which they began: only those that have ended.
CREATE TABLE IF NOT EXISTS clickstream.sessions_per_minute (
  minute       DateTime('UTC'),
  landing_page String,
  sessions     SimpleAggregateFunction(sum, UInt64),
  events       SimpleAggregateFunction(sum, UInt64),
  bounces      SimpleAggregateFunction(sum, UInt64),
  longest      SimpleAggregateFunction(max, UInt64)
) ENGINE = AggregatingMergeTree ORDER BY (minute, landing_page);

CREATE MATERIALIZED VIEW IF NOT EXISTS clickstream.sessions_per_minute_mv
TO clickstream.sessions_per_minute AS
SELECT
  toStartOfMinute(started_at) AS minute,
  first_page AS landing_page,
  count() AS sessions,
  sum(events) AS events,
  countIf(events = 1) AS bounces,
  max(dateDiff('second', started_at, ended_at)) AS longest
FROM clickstream.sessions
GROUP BY minute, landing_page;
