"""The scheduled pull: the user's Python file, asked again and again, its events in a topic.

``script`` loads the file and takes what it returns, ``loop`` keeps the time and appends. The state
that the file returns is committed with the events: whoever kills us repeats nothing.
"""
