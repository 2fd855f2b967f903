"""The console: one page about operations, a metrics page and a read-only catalog front.

``app`` has the routes, ``guard`` decides who may ask, ``board`` turns what was observed into what
is shown, ``live`` feeds open pages. Everything it knows comes through ``backend``.
"""
