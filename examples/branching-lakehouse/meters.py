"""Glucose meters that send their readings in batches, as files in a folder.

Tidewright runs any file that has these two functions:

    setup(landing)          called at each start; ``landing`` is the folder to fill
    step(landing, rows)     make about so many rows; return how many were made

A batch is one file of JSON lines, written beside its place and renamed, so that nobody reads half
of one. Its content follows from its number alone. Now and then a batch is bad: one reading that no
body survives, one twice, and one of a meter that nobody owns. After a while its sender notices and
sends the whole batch again, correct, under the same name.
"""

import json
import random
import time

SEED = 4
ROWS = 200  # of one batch
METERS = 40
BAD_EVERY, BAD_FIRST = 120, 20  # batches
CORRECTED_AFTER, CORRECTED_BY = 12, 15  # seconds; batches, when they come fast
EPOCH = 1_767_225_600  # 2026-01-01 00:00:00 UTC
MINUTES = 5  # between two readings of one meter
MODELS = ("Libra 2", "Dexter G6", "Guard 4")


class Sender:
    """Which batch is next, how many rows are owed, and which batches are still to be corrected."""

    def __init__(self, number):
        self.number = number
        self.owed = 0
        self.wrong = {}


sender = Sender(1)


def setup(landing):
    """The list of meters, and the first batches; afterwards go on after the last one."""
    global sender
    meters = [
        {"meter_id": n, "model": MODELS[n % len(MODELS)], "patient": f"Patient {n:03}"}
        for n in range(1, METERS + 1)
    ]
    place(landing, "meters.json", meters)
    known = sorted(landing.glob("batch-*.jsonl"))
    sender = Sender(int(known[-1].stem.partition("-")[2]) + 1 if known else 1)
    # A correction that a stop cut off is sent now.
    for number in range(1, sender.number):
        if is_bad(number):
            place(landing, name(number), readings(number))
    while sender.number <= 3:
        send(landing)


def step(landing, rows):
    """Send whole batches for the rows that are due, and corrections whose time has come."""
    for number, due in list(sender.wrong.items()):
        if time.monotonic() >= due or sender.number > number + CORRECTED_BY:
            place(landing, name(number), readings(number))
            del sender.wrong[number]
    sender.owed += rows
    while sender.owed >= ROWS:
        sender.owed -= ROWS
        send(landing)
    return rows


def send(landing):
    """The next batch."""
    number = sender.number
    made = readings(number)
    if is_bad(number):
        made = spoiled(made)
        sender.wrong[number] = time.monotonic() + CORRECTED_AFTER
    place(landing, name(number), made)
    sender.number += 1


def readings(number):
    """The rows of one batch, as they should be."""
    chance = random.Random(f"{SEED}/{number}")
    first = (number - 1) * ROWS
    return [
        {
            "entry_id": n,
            "batch": number,
            "meter_id": n % METERS + 1,
            "read_at": EPOCH + n // METERS * MINUTES * 60,
            "mg_dl": round(min(max(chance.gauss(130, 40), 41), 399), 1),
        }
        for n in range(first, first + ROWS)
    ]


def spoiled(rows):
    """What the meter sent by mistake."""
    wrong = [dict(row) for row in rows]
    wrong[10]["mg_dl"] = -5.0
    wrong[20]["entry_id"] = wrong[19]["entry_id"]
    wrong[30]["meter_id"] = METERS + 7
    return wrong


def is_bad(number):
    """Whether a batch is sent wrong at first."""
    return number % BAD_EVERY == BAD_FIRST


def name(number):
    """The file of a batch."""
    return f"batch-{number:08}.jsonl"


def place(landing, file, rows):
    """Write a file of JSON lines so that it appears whole."""
    new = landing / f".{file}.new"
    new.write_text("".join(json.dumps(row) + "\n" for row in rows))
    new.replace(landing / file)
