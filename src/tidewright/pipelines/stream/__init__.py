"""SQL over the new events of a topic, again and again, each event in exactly one place.

``batch`` takes events from pinned commits of the lake, by position. ``routing`` runs the user's SQL
and gives each event its place, ``views`` writes rows and position in one transaction, ``loop`` goes
from one to the next. A crash repeats a batch and never skips one: what is written says how far.
"""
