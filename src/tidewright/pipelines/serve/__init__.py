"""A source that answers over HTTP, played on this machine by the user's own script.

``script`` loads the file, ``runner`` keeps the pace and serves what the script answers.
``examples/elt-lakehouse/shop_api.py`` is the script to read first.
"""
