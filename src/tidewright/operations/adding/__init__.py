"""``add source``: a source of the user's own, put into a file that is there already.

``inferred`` reads what a file holds; ``connector`` is what is copied into the project to read it
again and again; ``database`` reads a PostgreSQL; ``edited`` changes the file, or nothing at all.
"""
