import dataclasses

import psycopg
import pytest

from tidewright import errors
from tidewright.clients import scratch
from tidewright.model import flow, jobs, values
from tidewright.operations.proofs import rollup as proof
from tidewright.pipelines.rollup import news
from tidewright.vault import files as vault

NOWHERE = flow.Connection("127.0.0.1", 1, "nowhere", "nobody", None)
JOB = jobs.RollupJob(
    "rollup", flow.Rollup("clicks", "olap.sql", "olap"), jobs.Lake(NOWHERE, ""), NOWHERE,
    "olap.sql", "schema.json", "", "",
)  # fmt: skip


@pytest.mark.parametrize("name", ["visits", "web.visits", "web.sessions"])
def test_a_view_of_what_is_not_there_is_refused(name):
    with pytest.raises(errors.Refused) as caught:
        news.source(JOB, name)
    assert caught.value.code == "stream.rollup_no_such_source"


def test_before_the_first_batch_there_is_nothing_to_prove(tmp_path):
    with scratch.TempPostgres() as server:
        server.create("marts").close()
        vault.write(tmp_path, "pw", server.password)
        marts = flow.Connection("127.0.0.1", server.port, "marts", "postgres", values.Secret("pw"))
        job = dataclasses.replace(JOB, marts=marts, secrets=str(tmp_path))
        with psycopg.connect(server.dsn("marts")) as conn, pytest.raises(errors.Refused) as caught:
            proof._positions(conn, job)
        assert caught.value.code == "stream.rollup_empty"
