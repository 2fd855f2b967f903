"""A temporary, real PostgreSQL for tests: ``clients.scratch`` under the name that tests know."""

from __future__ import annotations

from tidewright.clients.scratch import SETTINGS, TempPostgres

__all__ = ["SETTINGS", "TempPostgres"]
