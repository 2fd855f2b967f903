"""Raw feeds the first layer, each layer itself and the next one; the rest is named."""

from types import SimpleNamespace

from tidewright.pipelines.transform import layers

LAYERS = ("silver", "gold", "platinum")


def node(path, *reads):
    name = path.rpartition("/")[2].removesuffix(".sql")
    return SimpleNamespace(
        name=name,
        resource_type="model",
        original_file_path=path,
        depends_on=SimpleNamespace(nodes=list(reads)),
    )


def found(*nodes):
    manifest = SimpleNamespace(nodes={f"model.shop.{n.name}": n for n in nodes})
    return [(f.where.name, f.what) for f in layers.problems(manifest, LAYERS)]


def test_a_project_in_layers_has_no_findings():
    silver = node("silver/orders.sql", "source.shop.bronze.orders")
    gold = node("gold/revenue.sql", "model.shop.orders", "seed.shop.rates")
    more = node("gold/weekly.sql", "model.shop.revenue")
    assert found(silver, gold, more) == []


def test_gold_does_not_read_raw_tables():
    gold = node("gold/revenue.sql", "source.shop.bronze.orders")
    told = "revenue (gold) reads the raw table bronze.orders"
    assert found(gold) == [("gold/revenue.sql", told)]


def test_nothing_reads_what_is_finer_or_skips_a_layer():
    silver = node("silver/orders.sql", "model.shop.revenue")
    gold = node("gold/revenue.sql")
    top = node("platinum/board.sql", "model.shop.orders")
    assert [path for path, _ in found(silver, gold, top)] == [
        "silver/orders.sql",
        "platinum/board.sql",
    ]


def test_every_model_lies_in_a_layer():
    told = "loose lies in none of the layers silver, gold, platinum"
    assert found(node("other/loose.sql")) == [("other/loose.sql", told)]


def test_the_code_is_listed():
    manifest = SimpleNamespace(nodes={"model.shop.loose": node("loose.sql")})
    assert [f.code for f in layers.problems(manifest, LAYERS)] == ["refresh.layer"]
