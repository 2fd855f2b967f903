"""Pulls the shop's REST interface. Tidewright runs any file that has this class:

    Connector(config)         ``config`` as in platform.yaml, with its secrets; ``url`` is the
                              address of the source that the workload plays
    streams()                 a list of {name, schema, mode, cursor, key}: ``schema`` is JSON
                              schema, ``mode`` is full or incremental
    read(stream, state)       yields (records, state), page by page. The state says where to go on
                              after these records; it is kept in the very commit that keeps them,
                              and given back at the next sync (None at the first, and for a full
                              stream always)
    totals(stream, state)     optional: {rows, sums} of what the stream holds at that state, as the
                              source itself counts; ``tidewright verify`` compares
    identity()                optional: which source this is; another one is refused

Copy this file for an interface of your own. It runs in a process of its own, with the standard
library and whatever is installed beside Tidewright.
"""

import json
import urllib.parse
import urllib.request

PAGE = 500
SECONDS = 20

ID = {"type": "integer"}
TEXT = {"type": "string"}
MONEY = {"type": "number", "multipleOf": 0.01}  # a decimal, never a float
MOMENT = {"type": "string", "format": "date-time"}


def stream(name, mode, /, **properties):
    """Every stream of this shop is told apart by ``id`` and dated by ``updated_at``."""
    columns = {"id": ID, **properties, "updated_at": MOMENT}
    schema = {"type": "object", "properties": columns, "required": list(columns)}
    return {"name": name, "mode": mode, "schema": schema, "key": ["id"], "cursor": "updated_at"}


STREAMS = [
    stream("customers", "incremental", name=TEXT, email=TEXT, country=TEXT, created_at=MOMENT),
    stream("products", "full", name=TEXT, category=TEXT, price=MONEY),
    stream("orders", "incremental", customer_id=ID, status=TEXT, total=MONEY, placed_at=MOMENT),
    stream(
        "order_items", "incremental", order_id=ID, product_id=ID, quantity=ID, amount=MONEY,
    ),
]  # fmt: skip


class Connector:
    def __init__(self, config):
        self.url = config["url"].rstrip("/")

    def identity(self):
        return self.get("/shop")["id"]

    def streams(self):
        return STREAMS

    def read(self, name, state):
        return self.all_of(name) if name == "products" else self.changed(name, state)

    def changed(self, name, state):
        """What was updated since the state, oldest first; a page that is not full is the last."""
        cursor = state["updated_at"] if state else ""
        more = True
        while more:
            page = self.get(f"/{name}", updated_after=cursor, limit=PAGE)
            records, more = page["data"], page["more"]
            cursor = records[-1]["updated_at"] if records else cursor
            yield records, {"updated_at": cursor}

    def all_of(self, name):
        """Everything, as it was at the moment of the first page."""
        after, moment, more = 0, "", True
        while more:
            page = self.get(f"/{name}", after_id=after, as_of=moment, limit=PAGE)
            records, more, moment = page["data"], page["more"], page["as_of"]
            after = records[-1]["id"] if records else after
            yield records, {"updated_at": moment}

    def totals(self, name, state):
        """The shop keeps a ledger of how many there were, and what they add up to, at any time."""
        return self.get("/totals", stream=name, as_of=state["updated_at"] if state else "")

    def get(self, path, **query):
        asked = f"{self.url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return json.load(answer)
