"""Backups: one recovery point over every store of an environment, in a place of its own.

``create`` makes a point, ``prune`` forgets old ones, ``proof`` reads every byte again. ``store``
keeps what they write: blobs named by their checksum, and signed points. ``__main__`` runs it all
on a schedule. Bringing a point back is ``operations.restoring``: it needs a target.
"""
