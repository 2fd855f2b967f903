"""Assets on a branch: write, audit, publish.

``runner`` is the light process that the supervisor knows: it holds the flow's lease, makes a branch
for each run, starts ``child``, merges what is green, and drops what was kept long enough. The child
runs the user's functions (``assets``, ``rows``) and the user's checks (``audit``) and writes files
that only the branch points at: whatever it does, main stays as it is.
"""
