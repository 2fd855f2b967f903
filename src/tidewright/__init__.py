"""Tidewright: the production guide that runs itself.

The tree is the architecture: read ``docs/explanation/architecture.md`` first.
"""

__version__ = "0.1.0"
