"""The map's geometry and words."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.console import scenes

from tidewright.console import flowmap, places
from tidewright.model import observed

MAP = flowmap.draw(scenes.observation(now_ms=1_800_000_000_000))


def test_the_places_are_in_the_order_of_the_flow() -> None:
    names = [node.id for node in MAP.nodes]
    assert names == ["source", "capture", "current", "raw", "models", "checks", "marts"]
    assert min(n.x for n in MAP.nodes) == 0
    assert max(n.x + n.width for n in MAP.nodes) <= MAP.width + 0.1


def test_no_two_places_overlap() -> None:
    places = [(n.x, n.y, n.x + flowmap.NODE, n.y + n.height) for n in MAP.nodes]
    for i, (left, top, right, bottom) in enumerate(places):
        for other in places[i + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_a_change_counts_once_although_it_lands_twice() -> None:
    assert places.rate_of(scenes.observation(now_ms=0)) == 1000.0


def test_hops_span_what_they_measure_and_do_not_collide() -> None:
    lake, mart = MAP.hops
    assert (lake.name, mart.name) == ("source to lake", "source to marts")
    assert lake.x1 == mart.x1 and lake.x2 < mart.x2
    assert lake.y < mart.y < MAP.height
    assert lake.text.startswith("p50 ") and "p95" in lake.text


def test_a_failing_check_is_seen_at_checks_and_marts() -> None:
    found = flowmap.draw(scenes.observation(trouble=True, now_ms=0))
    states = {node.id: (node.state, node.tone) for node in found.nodes}
    assert states["checks"] == ("failing", "bad")
    assert states["marts"] == ("degraded", "warn")


def _stage(stage: str, *datasets: str) -> observed.MoverStatus:
    filled = tuple(observed.DatasetState(d, "following", 5, 2.0, None, None) for d in datasets)
    return observed.MoverStatus(0, 1, stage, True, "running", "", "7", 5, 1, filled)


def test_a_platform_without_capture_begins_with_its_own_stage() -> None:
    seen = replace(scenes.observation(now_ms=0), capture=None, workloads={})
    found = flowmap.draw(replace(seen, movers={"load-shop": _stage("load", "bronze.orders")}))
    assert [n.id for n in found.nodes] == ["load-shop", "models", "checks", "marts"]
    assert found.nodes[0].title == "Load"
    assert found.arrows[0].text == "2.0/s"


def test_a_topic_is_captured_between_its_stages() -> None:
    movers = {"receive-web": _stage("receive", "topics.visits"), "sessions": _stage("sessions")}
    found = flowmap.draw(replace(scenes.observation(now_ms=0), movers=movers))
    ids = [n.id for n in found.nodes]
    assert ids[:3] == ["source", "receive-web", "capture"]
    assert ids.index("raw") < ids.index("sessions") < ids.index("models")
    assert max(n.x + n.width for n in found.nodes) <= found.width + 0.1
