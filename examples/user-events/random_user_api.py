"""A stand-in for an interface that gives random users, played on this machine: no network needed.

Event number n is made from n alone, so asking twice gives the same. About one in two hundred is
bad: cut off, without an e-mail address, with a wrong type, without a user. Events of one user may
come in another order than they happened. GET /api?after=N&limit=M gives the events after number N.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
COUNTRIES = ("Australia", "Brazil", "Canada", "Denmark", "Finland", "France", "Germany", "India",
             "Iran", "Ireland", "Mexico", "Netherlands", "New Zealand", "Norway", "Serbia", "Spain",
             "Switzerland", "Turkey", "Ukraine", "United Kingdom", "United States")  # fmt: skip
FIRST = ("Ada", "Björn", "Chiara", "Dmytro", "Elif", "Femi", "Gita", "Hana", "Inge", "Jón", "Kofi",
         "Lena", "Mio", "Noor", "Olga", "Pia", "Quinn", "Rui", "Sven", "Tove", "Vera")  # fmt: skip
LAST = ("Ahmadi", "Berg", "Costa", "Dubois", "Evans", "Fischer", "García", "Hansen", "Ivanov",
        "Jones", "Kaya", "Larsen", "Müller", "Novak", "O'Brien", "Patel", "Rossi")  # fmt: skip
made = 0
kept = None


def setup(folder):
    """How many events there are so far survives a restart."""
    global made, kept
    kept = folder / "made"
    made = int(kept.read_text()) if kept.exists() else 0


def step(changes):
    global made
    made += changes
    kept.write_text(str(made))
    return changes


def answer(path, query):
    if path != "/api":
        return None
    after, limit = int(query.get("after", 0)), int(query.get("limit", 100))
    return {"results": [event(n) for n in range(after + 1, min(after + limit, made) + 1)]}


def event(number):
    """The line of one event; two in five make a user, the others change one."""
    chance = random.Random(number)
    creates = number <= 10 or chance.random() < 0.4
    user = number if creates else chance.randrange(1, number)
    first, last = chance.choice(FIRST), chance.choice(LAST)
    # Some changes are told late: the event before happened after this one.
    seconds = number * 0.01 - (chance.random() * 5 if chance.random() < 0.2 else 0)
    found = {
        "event_id": number,
        "type": "created" if creates else "updated",
        "user_id": f"00000000-0000-4000-8000-{user:012x}",
        "first_name": first,
        "last_name": last,
        "email": f"{first}.{last}.{user}@example.com".lower().replace("'", ""),
        "username": f"{first[:3]}{user}".lower(),
        "age": chance.randrange(18, 90),
        "country": chance.choice(COUNTRIES),
        "city": f"City {chance.randrange(1, 500)}",
        "post_code": f"{chance.randrange(10_000, 99_999)}",
        "event_time": (EPOCH + timedelta(seconds=seconds)).isoformat(),
    }
    return spoiled(found, chance) if chance.random() < 0.005 else line(found)


def spoiled(found, chance):
    """A record that no honest interface would send."""
    match chance.randrange(5):
        case 0:
            return line(found)[: chance.randrange(1, 80)]
        case 1:
            del found["email"]
        case 2:
            found["age"] = "unknown"
        case 3:
            found["user_id"] = None
        case 4:
            found["event_time"] = "yesterday, or so"
    return line(found)


def line(found):
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
