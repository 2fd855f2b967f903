"""Visitors of an endpoint, played by the user's own script at an adjustable rate.

``ledger`` is the sender's book: what it sent and what was acknowledged, kept over kills. ``door``
sends a batch until it is acknowledged, ``runner`` is the loop around the script.
"""
