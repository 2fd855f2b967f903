"""The capture worker: performs what ``pipelines.core`` decides, on a real source and a real lake.

Read in this order: ``loop`` (one turn after the other), ``engine`` (each act), ``staging`` (one
chunk into the tables), ``copying`` (first copies in the background), ``evolve`` (changed columns),
``cuts`` and ``stops`` (two small tables beside the catalog), ``freshness`` and ``report`` (what the
status file says). Started as ``python -m tidewright.pipelines.worker --job FILE``.
"""
