"""What the platform pulls: new events of the interface, from where the last pull ended.

``pull`` gets the state that it returned last (None at first) and the interface's address. The state
is committed together with the events, so a crash in between repeats nothing and loses nothing.
"""

from __future__ import annotations

import json
from urllib.request import urlopen

MOST = 20_000


def pull(state, url):
    after = state["after"] if state else 0
    with urlopen(f"{url}/api?after={after}&limit={MOST}", timeout=10) as answer:
        lines = json.load(answer)["results"]
    return [(user_of(line), line) for line in lines], {"after": after + len(lines)}


def user_of(line):
    """The key of an event; None where nobody can tell. The line itself is passed on as it came."""
    try:
        return json.loads(line)["user_id"]
    except (ValueError, KeyError, TypeError):
        return None
