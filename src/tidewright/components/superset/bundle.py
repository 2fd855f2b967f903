"""Charts of the file as the assets that Superset imports: database, datasets, charts, dashboard.

Pure. The format is the one that Superset exports. Ids follow from names, so that an import
changes what an earlier one made and never touches what a person added. Which columns a mart has
is known only where it runs: ``home/serve.py`` adds them.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidewright.model import flow, values

VERSION = "1.0.0"
PER_ROW, WIDTH, HEIGHT = 2, 6, 50
VIZ: Mapping[str, str] = {
    "line": "echarts_timeseries_line",
    "bar": "echarts_timeseries_bar",
    "table": "table",
    "number": "big_number_total",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to show: the charts of a platform over its marts."""

    platform: str
    charts: tuple[flow.Chart, ...]
    marts: flow.Connection


def assets(asked: Asked) -> Mapping[str, values.Join]:
    """Path below the folder -> text. JSON is YAML, which is what Superset reads."""
    made: dict[str, Mapping[str, Any]] = {"metadata.yaml": {"version": VERSION, "type": "assets"}}
    for mart, schema in {chart.mart: chart.schema for chart in asked.charts}.items():
        made[f"datasets/marts/{mart}.yaml"] = _dataset(asked, mart, schema)
    for chart in asked.charts:
        made[f"charts/{_slug(chart.name)}.yaml"] = _chart(asked, chart)
    if asked.charts:
        made[f"dashboards/{_slug(asked.platform)}.yaml"] = _dashboard(asked)
    texts = {path: values.Join((_text(body),)) for path, body in made.items()}
    return {**texts, "databases/marts.yaml": _database(asked)}


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _database(asked: Asked) -> values.Join:
    """Without a password: ``home/settings.py`` adds it at each connection."""
    marts = asked.marts
    body = _text(
        {
            "database_name": "Marts",
            "sqlalchemy_uri": "URI",
            "expose_in_sqllab": True,
            "allow_dml": False,
            "allow_file_upload": False,
            "extra": {"metadata_params": {}, "engine_params": {}},
            "uuid": _id(asked, "database"),
            "version": VERSION,
        }
    )
    before, after = body.split("URI", 1)
    assert isinstance(marts.port, values.Ref) and isinstance(marts.host, values.Ref)
    uri = (f"postgresql+psycopg2://{marts.user}@", marts.host, ":", marts.port)
    return values.Join((before, *uri, f"/{marts.database}", after))


def _dataset(asked: Asked, mart: str, schema: str) -> Mapping[str, Any]:
    axes = [c for chart in asked.charts if chart.mart == mart for c in (chart.x, chart.y) if c]
    return {
        "table_name": mart,
        "schema": schema,
        "columns": [{"column_name": name} for name in dict.fromkeys(axes)],
        "metrics": [],
        "uuid": _id(asked, f"dataset/{mart}"),
        "database_uuid": _id(asked, "database"),
        "version": VERSION,
    }


def _chart(asked: Asked, chart: flow.Chart) -> Mapping[str, Any]:
    return {
        "slice_name": chart.name,
        "viz_type": VIZ[chart.kind],
        "params": _parameters(chart),
        "uuid": _id(asked, f"chart/{chart.name}"),
        "dataset_uuid": _id(asked, f"dataset/{chart.mart}"),
        "version": VERSION,
    }


def _parameters(chart: flow.Chart) -> Mapping[str, Any]:
    shown: dict[str, Any]
    common = {"viz_type": VIZ[chart.kind], "row_limit": 1000, "time_range": "No filter"}
    match chart.kind:
        case "line" | "bar":
            shown = {
                "x_axis": chart.x,
                "metrics": [_sum(chart)],
                "groupby": [],
                # One bar or point for each value: nothing is put together by the week.
                "time_grain_sqla": None,
                "show_legend": False,
                "rich_tooltip": True,
            }
            if chart.kind == "bar":
                shown |= {"x_axis_sort": chart.y, "x_axis_sort_asc": False, "row_limit": 50}
        case "number":
            shown = {"metric": _sum(chart), "header_font_size": 0.4}
        case "table":
            shown = {"query_mode": "raw", "all_columns": [], "row_limit": 100}
    return {**common, **shown}


def _sum(chart: flow.Chart) -> Mapping[str, Any]:
    return {
        "expressionType": "SIMPLE",
        "column": {"column_name": chart.y},
        "aggregate": "SUM",
        "label": chart.y,
        "optionName": f"metric_{chart.y}",
    }


def _dashboard(asked: Asked) -> Mapping[str, Any]:
    return {
        "dashboard_title": asked.platform,
        "slug": _slug(asked.platform),
        "published": True,
        "uuid": _id(asked, "dashboard"),
        "position": _position(asked),
        "metadata": {"refresh_frequency": 30},
        "version": VERSION,
    }


def _position(asked: Asked) -> Mapping[str, Any]:
    rows = [asked.charts[n : n + PER_ROW] for n in range(0, len(asked.charts), PER_ROW)]
    names = [f"ROW-{n}" for n in range(len(rows))]
    made: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": names, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": asked.platform}},
    }
    for name, row in zip(names, rows, strict=True):
        made |= _row(asked, name, row)
    return made


def _row(asked: Asked, name: str, charts: Sequence[flow.Chart]) -> Mapping[str, Any]:
    above = ["ROOT_ID", "GRID_ID"]
    cells = {f"CHART-{_slug(chart.name)}": chart for chart in charts}
    meta = {"background": "BACKGROUND_TRANSPARENT"}
    row = {"id": name, "type": "ROW", "children": [*cells], "parents": above, "meta": meta}
    return {
        name: row,
        **{
            cell: {
                "id": cell,
                "type": "CHART",
                "children": [],
                "parents": [*above, name],
                "meta": {
                    # The number is Superset's own and is put in by its import.
                    "chartId": 0,
                    "uuid": _id(asked, f"chart/{chart.name}"),
                    "sliceName": chart.name,
                    "width": WIDTH,
                    "height": HEIGHT,
                },
            }
            for cell, chart in cells.items()
        },
    }


def _id(asked: Asked, what: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tidewright:{asked.platform}/{what}"))


def _slug(name: str) -> str:
    """A name for a file and an address; two that come out alike differ by their end."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain if plain == name else f"{plain}-{uuid.uuid5(uuid.NAMESPACE_URL, name).hex[:4]}"
