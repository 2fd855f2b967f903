"""Trino's own rules: the first that fits decides, for each catalog and user."""

import re

import pytest

from tidewright.components.trino import settings
from tidewright.model import native


def allowed(user, catalog):
    for rule in settings.RULES["catalogs"]:
        fits = re.fullmatch(rule.get("user", ".*"), user)
        if fits and re.fullmatch(rule.get("catalog", ".*"), catalog):
            return rule["allow"]
    return "none"


@pytest.mark.parametrize(
    ("user", "lake", "models"),
    [
        (native.READER, "read-only", "read-only"),
        ("anybody", "read-only", "read-only"),
        (native.CARE, "all", "read-only"),
        (native.REFRESHER, "read-only", "all"),
    ],
)
def test_each_writes_one_catalog(user, lake, models):
    assert (allowed(user, native.CATALOG), allowed(user, native.MODELS)) == (lake, models)


def test_models_have_a_folder_of_their_own():
    assert settings.CATALOGS[native.MODELS].startswith(settings.CATALOGS[native.CATALOG] + "/")
