"""A topic on this machine: a table that only grows, in the log server, carried on by capture.

``records`` is what goes in, ``append`` puts batches in exactly once, ``pressure`` says when to
wait, ``retention`` removes what the lake holds. Capture reads it with the same worker as any other
source; who consumes a topic reads the lake, by position, and never this server.
"""
