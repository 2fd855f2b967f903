"""Live load on a source: the user's own script, paced to a number of changes per second.

``script`` loads the file and says what is wrong with it, ``pace`` knows how much is due,
``jobfile`` follows edits, ``report`` says how it is, ``runner`` is the loop.
``examples/bank-cdc/workload.py`` is the script to read first.
"""
