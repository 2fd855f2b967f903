"""The frozen nouns that every pass speaks: data only, no I/O, no clocks.

``values`` (references and secrets), ``flow`` (what moves), ``platform`` (what runs), ``jobs``
(what one runner process is told), ``observed`` (what running things say), ``acts`` (steps and
results), and ``codec``, the one way to canonical JSON.
"""
