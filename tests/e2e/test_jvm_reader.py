"""The reference implementation of Iceberg (Java) reads what we write, deletes included.

Needs a JDK of 11 or later and Maven, which brings the library; skipped aloud without them.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.rig import Rig
from tidewright.pipelines.lake import reader

HERE = Path(__file__).parent / "jvm"
COLUMNS = {
    "bank.users": ("id", "email", "name"),
    "bank.accounts": ("id", "balance"),
    "bank.notes": ("owner", "title", "body"),
}
TOOLS = [tool for tool in ("mvn", "java") if shutil.which(tool) is None]


@pytest.fixture(scope="module")
def classpath(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("jvm") / "classpath"
    argv = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:build-classpath"]
    subprocess.run([*argv, f"-Dmdep.outputFile={file}"], check=True, timeout=300)
    return file.read_text().strip()


def rows_in_java(classpath: str, metadata: str, width: int) -> list[tuple[str, ...]]:
    argv = ["java", "-cp", classpath, str(HERE / "Read.java"), metadata]
    done = subprocess.run(argv, check=True, timeout=120, capture_output=True, text=True)
    return sorted(tuple(line.split("\t")[:width]) for line in done.stdout.splitlines())


@pytest.mark.skipif(bool(TOOLS), reason=f"not installed: {', '.join(TOOLS)}")
def test_java_agrees_with_the_source(classpath: str) -> None:
    with Rig(seed=5) as rig:
        rig.start()
        rig.load(6)
        rig.settle()
        rig.check()
        with rig.server.connect("catalog") as conn:
            pinned = reader.pin(conn, "bank")
        assert pinned is not None
        for table, columns in COLUMNS.items():
            text = ", ".join(f"coalesce({column}::text, 'null')" for column in columns)
            want = rig.source.execute(f"select {text} from {table}".encode()).fetchall()
            got = rows_in_java(classpath, pinned.tables[table].metadata, len(columns))
            assert got == sorted(tuple(row) for row in want), table
