"""The user's dbt project and checks, run on the tables of one pinned commit.

``engine`` is the DuckDB database they run in, ``project`` is dbt, ``messages`` turns dbt's and
DuckDB's texts into findings with file and line, ``checks`` runs the SQL files that return wrong
rows, ``files`` notices edits. Not here: when to run (``refresh``), where results go (``publish``).
"""
