"""Charts of the file as Superset's assets, and the packages that it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tidewright.components import superset
from tidewright.components.superset import bundle
from tidewright.components.superset.home import serve
from tidewright.model import flow, values

HOST, PORT = values.Ref("store", "sql", "host"), values.Ref("store", "sql", "port")
MARTS = flow.Connection(HOST, PORT, "marts", "marts_reader", values.Secret("marts-reader"))
CHARTS = (
    flow.Chart("Balance by day", "daily", "line", "day", "balance"),
    flow.Chart("Größte Konten", "top", "bar", "owner", "balance"),
    flow.Chart("All days", "daily", "table"),
    flow.Chart("Balance", "daily", "number", y="balance"),
)


def made(charts: tuple[flow.Chart, ...] = CHARTS, platform: str = "bank") -> dict[str, dict]:
    found = bundle.assets(bundle.Asked(platform, charts, MARTS))
    words = {HOST: "127.0.0.1", PORT: "5432"}
    return {
        path: json.loads("".join(words.get(part, part) for part in text.parts))
        for path, text in found.items()
    }


def test_each_chart_is_one_file_over_one_dataset_for_each_mart() -> None:
    found = made()
    assert len([p for p in found if p.startswith("charts/")]) == 4
    assert [p for p in found if p.startswith("datasets/")] == [
        "datasets/marts/daily.yaml", "datasets/marts/top.yaml",
    ]  # fmt: skip
    chart = next(c for c in found.values() if c.get("slice_name") == "Größte Konten")
    assert chart["viz_type"] == "echarts_timeseries_bar"
    assert chart["params"]["x_axis"] == "owner"
    assert chart["dataset_uuid"] == found["datasets/marts/top.yaml"]["uuid"]


def test_the_database_has_an_address_and_no_password() -> None:
    body = made()["databases/marts.yaml"]
    assert body["sqlalchemy_uri"] == "postgresql+psycopg2://marts_reader@127.0.0.1:5432/marts"
    assert "password" not in json.dumps(body)


def test_the_dashboard_shows_every_chart_once() -> None:
    found = made()
    cells = [c for c in found["dashboards/bank.yaml"]["position"].values() if "CHART" in str(c)]
    shown = [c["meta"]["uuid"] for c in cells if isinstance(c, dict) and c["type"] == "CHART"]
    charts = [c["uuid"] for p, c in found.items() if p.startswith("charts/")]
    assert sorted(shown) == sorted(charts) and len(set(shown)) == 4


def test_ids_follow_from_names_so_that_an_import_changes_its_own() -> None:
    again, other = made(CHARTS[:2]), made(platform="shop")
    ids = {c["uuid"] for c in made().values() if "uuid" in c}
    assert {c["uuid"] for c in again.values() if "uuid" in c} <= ids
    assert not {c["uuid"] for c in other.values() if "uuid" in c} & ids


def test_a_rollups_table_lies_in_its_own_schema_and_gets_its_own_columns(tmp_path: Path) -> None:
    rolled = flow.Chart("Pages", "pages", "table", schema="olap")
    for path, body in made((*CHARTS[2:3], rolled)).items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    there = {"olap.pages": [("page", "text")], "marts.pages": [("wrong", "text")]}
    contents = serve.Charts({"assets": str(tmp_path)}).contents(there)
    dataset = json.loads(contents["datasets/marts/pages.yaml"])
    assert dataset["schema"] == "olap"
    assert [c["column_name"] for c in dataset["columns"]] == ["page"]
    shown = [json.loads(text) for path, text in contents.items() if path.startswith("charts/")]
    assert ["page"] in [chart["params"]["all_columns"] for chart in shown]


def test_without_charts_there_is_a_database_alone() -> None:
    assert sorted(made(())) == ["databases/marts.yaml", "metadata.yaml"]


def test_names_that_look_alike_keep_files_of_their_own() -> None:
    charts = tuple(flow.Chart(n, "daily", "table") for n in ("A b", "a B", "a-b", "a b"))
    assert len([p for p in made(charts) if p.startswith("charts/")]) == 4


def test_the_lock_names_packages_by_hash_and_no_host() -> None:
    extra = superset.COMPONENT.extra
    assert extra is not None
    text = extra.lock.read_text()
    assert "://" not in text
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    named = {b.partition("==")[0] for b in blocks if b.strip()}
    assert set(extra.sources) <= named and {"apache-superset", "gunicorn"} <= named
    assert all("--hash=sha256:" in b for b in blocks if b.strip())
    asked = Path(extra.lock).with_name("requirements.in").read_text()
    wanted = {re.split(r"[=<>]", line)[0] for line in asked.splitlines() if line[:1].isalpha()}
    assert wanted <= named
