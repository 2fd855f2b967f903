"""A file to a platform: services, order, grants, endpoints, and no secret value anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewright import errors
from tidewright.assemble import build, catalog, flows
from tidewright.components.refresh import program as refresh
from tidewright.model import codec, jobs, native, values
from tidewright.model import platform as nouns
from tidewright.spec import load

BANK = Path(__file__).parents[3] / "examples" / "bank-cdc" / "platform.yaml"
OWN = """\
tidewright: 0
platform: shop
sources: {shop: {postgres: {url: {secret: shop_url}}}}
flow:
  - capture: {from: shop, tables: [shop.a]}
"""


@pytest.fixture(scope="module")
def bank() -> nouns.Platform:
    return build.build(load.load(BANK))


@pytest.fixture
def own(tmp_path: Path) -> nouns.Platform:
    (tmp_path / "platform.yaml").write_text(OWN)
    return build.build(load.load(tmp_path / "platform.yaml"))


def _service(platform: nouns.Platform, name: str) -> nouns.Service:
    return next(s for s in platform.services if s.name == name)


def test_the_bank_has_the_services_of_the_contract(bank: nouns.Platform) -> None:
    assert {s.name: s.kind for s in bank.services} == {
        "source-bank": "server", "store": "server", "grants-bank": "task", "grants-store": "task",
        "workload-bank": "server", "capture": "server", "refresh": "server", "console": "server",
    }  # fmt: skip


def test_needs_name_services_that_are_there_and_make_no_circle(bank: nouns.Platform) -> None:
    done: set[str] = set()
    waiting = {s.name: set(s.needs) for s in bank.services}
    while waiting:
        ready = {name for name, needs in waiting.items() if needs <= done}
        assert ready, waiting
        done |= ready
        waiting = {n: needs for n, needs in waiting.items() if n not in ready}


def test_grants_give_each_runner_a_role_of_its_own(bank: nouns.Platform) -> None:
    given = {(g.claim.claimant, g.claim.name): g.user for g in bank.grants}
    assert given == {
        ("capture", "catalog"): "catalog", ("capture", "bank"): "bank_capture",
        ("refresh", "catalog"): "catalog_reader", ("refresh", "marts"): "marts",
        ("workload", "bank"): "bank", ("console", "catalog"): "catalog_reader",
        ("console", "marts"): "marts_reader",
    }  # fmt: skip


def test_capture_is_told_everything(bank: nouns.Platform) -> None:
    job = _service(bank, "capture").process.job
    assert isinstance(job, jobs.CaptureJob)
    assert job.source.slot == job.source.publication == "tidewright_bank_laptop_bank"
    assert job.source.managed
    assert job.capture.tables == ("bank.users", "bank.accounts")
    assert job.source.connection.password == values.Secret("source-bank-capture")


def test_every_secret_that_is_named_is_made_or_asked_for(
    bank: nouns.Platform, own: nouns.Platform
) -> None:
    for platform in (bank, own):
        named: set[str] = set()

        def collect(value: object, named: set[str] = named) -> object:
            if isinstance(value, values.Secret):
                named.add(value.name)
            return value

        codec.transform(platform, collect)
        assert named <= {*platform.secrets, *platform.asked}


def test_a_platform_survives_its_own_codec(bank: nouns.Platform) -> None:
    assert codec.loads(nouns.Platform, codec.dumps(bank)) == bank


def test_endpoints_are_those_of_the_contract(bank: nouns.Platform) -> None:
    names = {e.name: e.secret for e in bank.endpoints}
    assert names == {
        "console": "console", "source": "source-bank-owner", "marts": "marts-reader",
        "metrics": "metrics", "catalog.sql": "catalog-reader", "catalog.rest": "catalog",
        "catalog.warehouse": None,
    }  # fmt: skip


def test_a_source_of_the_users_own_gets_no_server(own: nouns.Platform) -> None:
    names = {s.name for s in own.services}
    assert names == {"store", "grants-store", "capture", "console"}
    job = _service(own, "capture").process.job
    assert isinstance(job, jobs.CaptureJob)
    assert not job.source.managed
    assert job.source.connection.url == values.Secret("shop_url")
    assert own.asked == ("shop_url",)
    assert "shop_url" not in own.secrets


def test_every_stage_has_exactly_one_runner() -> None:
    for kind in (*flows.KINDS.values(), "workload", "console"):
        assert len(catalog.runners(kind, "embedded")) == 1, kind


def test_a_stage_that_nobody_runs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load.load(BANK)
    monkeypatch.setattr(catalog, "COMPONENTS", {"capture": "tidewright.components.capture"})
    with pytest.raises(errors.SpecError) as caught:
        build.bind(spec, flows.flow(spec))
    assert {f.code for f in caught.value.findings} == {"file.no_runner"}
    assert caught.value.findings[0].where.line is not None


def test_a_stage_that_two_can_run_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load.load(BANK)
    twice = {**catalog.COMPONENTS, "again": "tidewright.components.capture"}
    monkeypatch.setattr(catalog, "COMPONENTS", twice)
    with pytest.raises(errors.SpecError) as caught:
        build.bind(spec, flows.flow(spec))
    assert [f.code for f in caught.value.findings] == ["file.two_runners"]


def test_models_run_on_trino_where_the_engines_are_native() -> None:
    platform = build.build(load.load(BANK, "native"))
    service = _service(platform, "refresh")
    assert isinstance(service.process.job, jobs.RefreshJob)
    assert service.process.job.trino == native.Trino(native.TRINO, native.OBJECTS)
    assert service.process.job.every == refresh.PACE_ON_TRINO
    assert "trino" in service.needs


def test_models_run_in_the_process_itself_on_a_laptop(bank: nouns.Platform) -> None:
    service = _service(bank, "refresh")
    assert isinstance(service.process.job, jobs.RefreshJob)
    assert service.process.job.trino is None
    assert service.needs == ("grants-store",)
