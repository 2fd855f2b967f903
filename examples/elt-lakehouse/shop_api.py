"""A small shop that is always open, with the REST interface that ``connector.py`` pulls.

Tidewright plays any file that has these three functions, one at a time:

    setup(folder)           open or create what is kept; called at each start
    step(changes)           make about so many changes; return how many were made
    answer(path, query)     the JSON value for GET path, or None where there is nothing

Every change gets a later ``updated_at`` than any before, whatever the clock does, so that a reader
who asks for what came after his last one misses nothing. The ledger keeps, for each change, how
many rows a stream had then and what they added up to: that is what a copy is held against.
"""

import datetime
import random
import sqlite3

SEED = 11
CUSTOMERS, PRODUCTS, ORDERS, DAYS = 400, 80, 2_000, 90  # at the first start
COUNTRIES = ["DE", "FR", "NL", "PL", "ES", "IT", "SE", "AT"]
CATEGORIES = ["lamps", "chairs", "tables", "shelves", "textiles"]
WOODS = ["Oak", "Ash", "Birch", "Walnut", "Pine", "Beech", "Linen", "Wool"]
FORMS = ["Round", "Long", "Low", "Folding", "Hanging", "Small", "Wide", "Plain", "Slim", "Twin"]
NEXT = {"placed": "paid", "paid": "shipped", "shipped": "delivered"}
MIX = {"order": 45, "advance": 40, "sign_up": 8, "move": 5, "price": 2}  # of 100 acts

SCHEMA = """
pragma journal_mode = wal;
create table if not exists shop (id text not null, moment text not null, acts integer not null);
create table if not exists customers (
  id integer primary key, name text, email text, country text, created_at text, updated_at text);
create table if not exists products (
  id integer, name text, category text, price integer, updated_at text,
  primary key (id, updated_at));
create table if not exists orders (
  id integer primary key, customer_id integer, status text, total integer, placed_at text,
  updated_at text);
create table if not exists order_items (
  id integer primary key, order_id integer, product_id integer, quantity integer, amount integer,
  updated_at text);
create table if not exists ledger (
  stream text, at text, rows integer, first integer, second integer, primary key (stream, at));
create index if not exists customers_updated on customers (updated_at);
create index if not exists orders_updated on orders (updated_at);
create index if not exists order_items_updated on order_items (updated_at);
create index if not exists orders_open on orders (status) where status <> 'delivered';
"""
# The columns of each stream; money is kept in cents. What a stream's ledger adds up, in order.
COLUMNS = {
    "customers": ["id", "name", "email", "country", "created_at", "updated_at"],
    "products": ["id", "name", "category", "price", "updated_at"],
    "orders": ["id", "customer_id", "status", "total", "placed_at", "updated_at"],
    "order_items": ["id", "order_id", "product_id", "quantity", "amount", "updated_at"],
}
MONEY = {"price", "total", "amount"}
SUMS = {"customers": [], "products": ["price"], "orders": ["total"],
        "order_items": ["quantity", "amount"]}  # fmt: skip


class Shop:
    """The shop's own database. Each act is one transaction."""

    def __init__(self, folder):
        # The runner calls us from several threads, one at a time.
        self.db = sqlite3.connect(folder / "shop.sqlite", check_same_thread=False)
        self.db.isolation_level = None
        self.db.executescript(SCHEMA)
        if self.one("select count(*) from shop")[0] == 0:
            self.db.execute("begin")
            self.begin()
            self.db.execute("commit")
        self.id, self.moment, self.acts = self.one("select id, moment, acts from shop")
        self.last = {
            name: self.one(f"select coalesce(max(id), 0) from {name}")[0] for name in COLUMNS
        }
        self.books = {name: list(self.book(name, "9")) for name in COLUMNS}

    def one(self, query, *values):
        return self.db.execute(query, values).fetchone()

    # -- what happens ------------------------------------------------------------------------

    def begin(self):
        """The first customers, products and orders, over the last DAYS days."""
        self.random = random.Random(SEED)
        self.id = f"shop-{random.SystemRandom().getrandbits(48):012x}"
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=DAYS)
        self.moment, self.acts = stamp(start), 0
        self.last = dict.fromkeys(COLUMNS, 0)
        self.books = {name: [0, 0, 0] for name in COLUMNS}
        step = datetime.timedelta(days=DAYS - 1) / (CUSTOMERS + PRODUCTS + ORDERS)
        for number in range(CUSTOMERS + PRODUCTS + ORDERS):
            self.now = stamp(start + step * number)
            if number < PRODUCTS:
                self.product()
            elif (number % 5 == 0 and self.last["customers"] < CUSTOMERS) or number < PRODUCTS + 20:
                self.sign_up()
            else:
                self.order(self.random.choices(["delivered", "cancelled", "paid"], [90, 7, 3])[0])
        self.db.execute("insert into shop values (?, ?, ?)", (self.id, self.moment, 0))

    def step(self, changes):
        made = 0
        self.db.execute("begin")
        try:
            while made < changes:
                self.acts += 1
                self.random = random.Random(f"{SEED}/{self.acts}")
                self.now = stamp(datetime.datetime.now(datetime.UTC))
                act = self.random.choices(tuple(MIX), tuple(MIX.values()))[0]
                made += getattr(self, act)()
            self.db.execute("update shop set moment = ?, acts = ?", (self.moment, self.acts))
            self.db.execute("commit")
        except BaseException:
            self.db.execute("rollback")
            raise
        return made

    def later(self):
        """A moment after every earlier one: now, or a microsecond more when the clock stands."""
        before = datetime.datetime.fromisoformat(self.moment)
        self.moment = max(self.now, stamp(before + datetime.timedelta(microseconds=1)))
        return self.moment

    def put(self, stream, row, before=()):
        """Insert or replace a row, and write the ledger. ``before``: the sums of the old row."""
        moment = self.later()
        row["updated_at"] = moment
        columns = COLUMNS[stream]
        marks = ", ".join("?" * len(columns))
        values = [row[c] for c in columns]
        self.db.execute(
            f"insert or replace into {stream} ({', '.join(columns)}) values ({marks})", values
        )
        book = self.books[stream]
        book[0] += not before
        for at, name in enumerate(SUMS[stream]):
            book[at + 1] += row[name] - (before[at] if before else 0)
        self.db.execute("insert into ledger values (?, ?, ?, ?, ?)", (stream, moment, *book))

    def new(self, stream):
        self.last[stream] += 1
        return self.last[stream]

    def product(self):
        number = self.new("products")
        name = f"{self.random.choice(FORMS)} {self.random.choice(WOODS)} {number}"
        price = self.random.randint(900, 49_900)
        category = self.random.choice(CATEGORIES)
        self.put("products", {"id": number, "name": name, "category": category, "price": price})
        return 1

    def sign_up(self):
        number = self.new("customers")
        row = {"id": number, "name": f"Customer {number}", "email": f"c{number}@example.com",
               "country": self.random.choice(COUNTRIES), "created_at": self.now}  # fmt: skip
        self.put("customers", row)
        return 1

    def order(self, status="placed"):
        number, total, lines = self.new("orders"), 0, self.random.randint(1, 4)
        for _ in range(lines):
            product = self.random.randint(1, self.last["products"])
            price = self.one(
                "select price from products where id = ? order by updated_at desc", product
            )[0]
            quantity = self.random.choice([1, 1, 1, 2, 3])
            total += price * quantity
            row = {"id": self.new("order_items"), "order_id": number, "product_id": product,
                   "quantity": quantity, "amount": price * quantity}  # fmt: skip
            self.put("order_items", row)
        customer = self.random.randint(1, self.last["customers"])
        row = {
            "id": number,
            "customer_id": customer,
            "status": status,
            "total": total,
            "placed_at": self.now,
        }
        self.put("orders", row)
        return 1 + lines

    def advance(self):
        """An open order is paid, shipped or delivered; now and then one is cancelled."""
        found = self.row(
            "orders", "where status in ('placed', 'paid', 'shipped') order by updated_at limit 1"
        )
        if found is None:
            return self.order()
        cancelled = found["status"] == "placed" and self.random.random() < 0.1
        old = [found["total"]]
        found["status"] = "cancelled" if cancelled else NEXT[found["status"]]
        self.put("orders", found, old)
        return 1

    def move(self):
        found = self.row(
            "customers", f"where id = {self.random.randint(1, self.last['customers'])}"
        )
        found["country"] = self.random.choice(COUNTRIES)
        found["email"] = f"c{found['id']}.{self.acts}@example.com"
        self.put("customers", found, [None])
        return 1

    def price(self):
        which = self.random.randint(1, self.last["products"])
        found = self.row("products", f"where id = {which} order by updated_at desc limit 1")
        old = [found["price"]]
        found["price"] = max(500, int(found["price"] * self.random.uniform(0.8, 1.25)))
        self.put("products", found, old)
        return 1

    def row(self, stream, where):
        values = self.one(f"select {', '.join(COLUMNS[stream])} from {stream} {where}")
        return dict(zip(COLUMNS[stream], values, strict=True)) if values else None

    # -- what is asked -----------------------------------------------------------------------

    def changed(self, stream, after, limit):
        columns = ", ".join(COLUMNS[stream])
        query = f"select {columns} from {stream} where updated_at > ? order by updated_at limit ?"
        return self.page(stream, self.db.execute(query, (after, limit + 1)).fetchall(), limit)

    def products(self, after, moment, limit):
        """The catalogue as it was at a moment: of each product the newest version until then."""
        moment = moment or self.moment
        query = (
            "select id, name, category, price, max(updated_at) from products"
            " where id > ? and updated_at <= ? group by id order by id limit ?"
        )
        found = self.db.execute(query, (after, moment, limit + 1)).fetchall()
        return {**self.page("products", found, limit), "as_of": moment}

    def page(self, stream, found, limit):
        rows = [dict(zip(COLUMNS[stream], row, strict=True)) for row in found[:limit]]
        return {"data": [shown(row) for row in rows], "more": len(found) > limit}

    def book(self, stream, moment):
        query = "select rows, first, second from ledger where stream = ? and at <= ?"
        return self.one(f"{query} order by at desc limit 1", stream, moment) or (0, 0, 0)

    def totals(self, stream, moment):
        rows, *sums = self.book(stream, moment)
        named = dict(zip(SUMS[stream], sums, strict=False))
        return {"rows": rows, "sums": {k: str(v) for k, v in shown(named, str).items()}}


def stamp(moment):
    return moment.isoformat(timespec="microseconds")


def shown(row, money=float):
    """A row as the interface shows it: money with two places."""
    return {k: money(f"{v / 100:.2f}") if k in MONEY else v for k, v in row.items()}


shop = None


def setup(folder):
    global shop
    shop = Shop(folder)


def step(changes):
    return shop.step(changes)


def answer(path, query):
    limit = min(int(query.get("limit", 500)), 1_000)
    match path.strip("/"):
        case "shop":
            return {"id": shop.id}
        case "products":
            return shop.products(int(query.get("after_id", 0)), query.get("as_of"), limit)
        case "customers" | "orders" | "order_items" as stream:
            return shop.changed(stream, query.get("updated_after", ""), limit)
        case "totals":
            return shop.totals(query["stream"], query["as_of"])
    return None
