"""Marts made of plain tuples, for tests."""

from tidewright.pipelines.publish import mart

ORIGIN = mart.Origin(7, "0/1A", "1/1/bank")


def of(name, rows, key=("id",), columns=(("id", "bigint"), ("text", "text"))):
    def text():
        for row in rows:
            cells = ("" if v is None else f'"{v}"' for v in row)
            yield (",".join(cells) + "\n").encode()

    return mart.Mart(name, tuple(mart.Column(*c) for c in columns), tuple(key), text)
