"""The whole file as typed models, and the environment keys. ``steps`` has sources and steps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tidewright.spec import backups, fields, shown, steps

VERSION = 0
LATER_KEYS = {
    "cloud": "clouds", "region": "clouds", "ha": "high availability", "standby": "standby sites",
    "load": "sizing from a load", "like": "an environment made from another",
}  # fmt: skip
ROLES_LATER = (
    "source", "capture", "log", "stream", "lake", "catalog", "sql", "edge", "scheduler",
)  # fmt: skip
BI = "superset"
ENGINES = ("embedded", "native")
TARGETS_LATER = ("systemd", "compose", "swarm", "kubernetes", "terraform")


def _version(value: Any) -> Any:
    if value != VERSION or isinstance(value, bool):
        what = f"the file is written in version {value!r}; this program reads version {VERSION}"
        raise fields.wrong("file.version", what, f"Write tidewright: {VERSION}")
    return value


def _target(value: Any) -> Any:
    if value in TARGETS_LATER:
        what = f"the target {value} is not supported yet"
        raise fields.wrong("file.not_yet", what, "Use target: local for now.")
    if value != "local":
        hint = fields.suggestion(str(value), ("local", *TARGETS_LATER))
        raise fields.wrong("file.wrong_value", f"{value!r} is no target", hint)
    return value


def _engines(value: Any) -> Any:
    if value not in ENGINES:
        what = f"{value!r} is no way to run the engines"
        raise fields.wrong("file.wrong_value", what, f"Write engines: {' or '.join(ENGINES)}.")
    return value


def _roles(value: Any) -> Any:
    later = [role for role in ROLES_LATER if isinstance(value, dict) and role in value]
    if later:
        what = f"another engine for {later[0]} is not supported yet"
        raise fields.wrong("file.not_yet", what, "Leave it out for now; bi is understood.")
    return value


def _bi(value: Any) -> Any:
    if value == "metabase":
        what = "Metabase needs a JVM, which the target local does not bring"
        hint = "Write bi: superset, or leave it out; any BI tool can read the marts."
        raise fields.wrong("file.not_yet", what, hint)
    if value != BI:
        what = f"{value!r} is no BI tool that we know"
        raise fields.wrong("file.wrong_value", what, f"Write bi: {BI}.")
    return value


class Engines(fields.Strict):
    """Real programs by the role that they play. ``bi`` has no embedded stand-in."""

    bi: Annotated[Literal["superset"], BeforeValidator(_bi)] | None = None


class Owner(fields.Strict):
    """Who answers for the platform."""

    team: str
    oncall: str | None = None
    runbooks: str | None = None


class Goals(fields.Strict):
    """What is asked for. They are shown beside what is measured, and are no promise of ours."""

    fresh: fields.Duration | None = None
    rto: fields.Duration | None = None
    rpo: fields.Duration | None = None
    uptime: fields.Share | None = None


class Document(fields.Strict):
    """The platform of one environment, after the environment was laid over the file."""

    elsewhere = ("run",)

    tidewright: Annotated[Literal[0], BeforeValidator(_version)]
    platform: fields.Name
    owner: Owner | None = None
    sources: dict[fields.Name, steps.Source] = Field(default_factory=dict)
    flow: list[steps.Step] = Field(min_length=1)
    charts: list[shown.Chart] = Field(default_factory=list)
    engines: Annotated[Engines, BeforeValidator(_roles)] = Engines()
    goals: Goals = Goals()
    backup: backups.Backup | None = None


class Environment(fields.Strict):
    """Where an environment runs, and by which engines."""

    target: Annotated[Literal["local"], BeforeValidator(_target)] = "local"
    engines: Annotated[Literal["embedded", "native"], BeforeValidator(_engines)] = "embedded"
