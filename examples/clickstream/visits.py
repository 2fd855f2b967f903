"""Visitors of a shop, ten times as fast as people: pages, referrers, devices, baskets, and flaws.

A visit starts from somewhere and walks from page to page. Phones lose their signal: some events
come out of order, a few much too late, and about one in a hundred is no proper event at all.
``setup(door)`` and ``step(door, events)`` are called by the runner; ``door.send`` takes events.
"""

import random
import time
from datetime import UTC, datetime

PRODUCTS = [f"/product/{n}" for n in range(1, 201)]
STARTS = ["/", "/", "/sale", "/search", *PRODUCTS[:6]]
REFERRERS = [
    None,
    None,
    "https://search.example/",
    "https://social.example/",
    "https://news.example/",
]
DEVICES = ["phone"] * 6 + ["desktop"] * 3 + ["tablet"]
PACE = 0.8  # seconds between two events of a visit, about
DELAYED, LOST_SIGNAL, FLAWED = 0.03, 0.002, 0.01  # shares of the events

dice = random.Random()
visits = []  # the visits that go on now
delayed = []  # (due, event): what comes later than it happened
number = 0


class Visit:
    """One visitor from the first page to the last."""

    def __init__(self):
        self.visitor = f"v{dice.randrange(10**12):012d}"
        self.device = dice.choice(DEVICES)
        self.referrer = dice.choice(REFERRERS)
        self.page = dice.choice(STARTS)
        self.left = min(40, 1 + int(dice.expovariate(1 / 7)))

    def event(self, now):
        """What the visitor does next."""
        global number
        number += 1
        self.left -= 1
        kind = "search" if self.page == "/search" else dice.choice(("view", "view", "click"))
        made = {
            "event_id": f"{self.visitor}-{number}",
            "visitor_id": self.visitor,
            "at": stamp(now - dice.random() * 0.2),
            "kind": kind,
            "page": self.page,
            "referrer": self.referrer,
            "device": self.device,
        }
        if self.left == 0 and dice.random() < 0.2:
            made |= {"kind": "buy", "page": "/basket", "amount": round(dice.uniform(5, 300), 2)}
        self.referrer = self.page
        self.page = dice.choice(PRODUCTS if dice.random() < 0.8 else STARTS)
        return made


def stamp(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def flawed(event):
    """The same event as a buggy sender would send it."""
    wrong = dice.randrange(4)
    if wrong == 0:
        del event["visitor_id"]
    elif wrong == 1:
        event["page"] = "no slash"
    elif wrong == 2:
        event["at"] = "yesterday"
    else:
        event["unknown"] = "field"
    return event


def setup(door):
    """Nothing to prepare: the endpoint is there."""


def step(door, events):
    """Send about ``events`` events that happen now, or did a while ago."""
    now = time.time()
    wanted = max(1, int(events / 0.05 * PACE))  # so many at once walk at this pace
    while len(visits) < min(wanted, 20000):
        visits.append(Visit())
    ready = [delayed.pop()[1] for _ in range(len(delayed)) if delayed[-1][0] <= now]
    for _ in range(max(0, events - len(ready))):
        place = dice.randrange(len(visits))
        visit = visits[place]
        event = visit.event(now)
        if visit.left == 0:
            visits[place] = Visit()
        chance = dice.random()
        if chance < FLAWED:
            ready.append(flawed(event))
        elif chance < FLAWED + LOST_SIGNAL:
            delayed.append((now + 12, event))
        elif chance < FLAWED + LOST_SIGNAL + DELAYED:
            delayed.append((now + dice.random() * 3, event))
        else:
            ready.append(event)
    delayed.sort(key=lambda one: -one[0])
    return door.send(ready)
