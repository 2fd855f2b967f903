"""A connector pulled on a schedule into append-only tables, its state kept in the commit.

``loop`` is the process: it starts the connector in a child (``process``, ``child``), reads its
messages (``messages``, Airbyte's), lets ``sync`` decide what may be landed, and commits rows and
state together (``landing``). ``columns`` turns a JSON schema into typed columns and records into
rows, or says why it cannot. Not here: the user's connector (``examples/elt-lakehouse``).
"""
