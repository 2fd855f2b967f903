"""A captured source on real engines: what must be there before its rows can flow, made in order.

``source`` looks at the tables, ``types`` and ``script`` compile them to Flink SQL (both pure),
``connector`` is Debezium's configuration, ``deployed`` remembers the tables' form, ``topics`` and
``bucket`` create what was granted, and ``recover`` starts the JobManager where the job stood.
``beat`` says how it is, ``care`` keeps the tables small. ``__main__`` is the service that does all.
"""
