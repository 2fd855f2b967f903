"""Sessions from a topic: read by position, cut by key and gap, landed in Delta tables.

``core`` decides and is pure; ``tables`` commits rows, open sessions and position together;
``loop`` reads, advances and lands, ``report`` says how it goes.
"""
