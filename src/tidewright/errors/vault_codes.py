"""Codes of the secret store."""

from __future__ import annotations

from collections.abc import Mapping

from tidewright.errors.codes import Code

CODES: Mapping[str, Code] = {
    "vault.missing": Code(
        "A secret has no value",
        "The platform file names a secret that was never stored for this environment.",
        "Run `tidewright connect --set-secret NAME`, or set TIDEWRIGHT_SECRET_<NAME> for one `up`.",
    ),
    "vault.name": Code(
        "Not a name for a secret",
        "A secret's name becomes a file name, so only plain words are taken.",
        "Use a letter, then letters, digits, `-` or `_`, 63 at most.",
    ),
    "vault.unsafe": Code(
        "A stored secret is not safe",
        "Its file is a link, belongs to another account, or can be read by other accounts.",
        "Treat the value as known to others: change it at its origin and store the new one.",
    ),
}
