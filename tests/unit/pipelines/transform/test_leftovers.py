"""File names are those that Trino 476 writes."""

from tidewright.pipelines.transform import leftovers

FOLDER = "warehouse/refresh"
VIEW = f"{FOLDER}/bank/accounts-78e2177c07ea4e3cbf2578d919a1faed"
TABLE = f"{FOLDER}/marts/daily-0123456789abcdef0123456789abcdef"
GONE = f"{FOLDER}/marts/daily__dbt_tmp-fedcba9876543210fedcba9876543210"
MADE = (
    leftovers.Made("bank", "accounts", "VIEW", f"s3://{VIEW}/metadata/00002-c.gz.metadata.json"),
    leftovers.Made("marts", "daily", "TABLE", f"s3://{TABLE}/metadata/00000-a.metadata.json"),
)


def of(*files):
    return list(leftovers.of(FOLDER, files, MADE))


def test_a_view_keeps_the_metadata_that_its_pointer_names():
    old = f"{VIEW}/metadata/00001-b.gz.metadata.json"
    assert of(f"{VIEW}/metadata/00002-c.gz.metadata.json", old) == [old]


def test_a_table_keeps_every_file():
    assert of(f"{TABLE}/data/1.parquet", f"{TABLE}/metadata/00000-a.metadata.json") == []


def test_what_the_catalog_does_not_name_goes():
    assert of(f"{GONE}/data/1.parquet") == [f"{GONE}/data/1.parquet"]


def test_a_folder_that_trino_did_not_name_is_not_ours():
    assert of(f"{FOLDER}/users/metadata/v1.metadata.json", f"{FOLDER}/a/b/c", "other/x") == []
