"""Marts kept fresh: one pinned commit transformed, checked and published, again and again.

``waiter`` is the light process that the supervisor knows: it watches for commits and owns the
status file. It starts ``child``, which holds dbt and DuckDB (200-300 MB), and lets it end when
nothing changes. ``refresher`` is one refresh, ``commits`` asks the catalog, ``freshness`` counts.
"""
