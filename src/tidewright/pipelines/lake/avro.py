"""Avro containers by hand: a header, and one deflated block of records encoded before.

PyIceberg encodes a record; here its bytes are only put together, because a manifest is mostly
records that were in the one before.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.typedef import Record

_MAGIC = b"Obj\x01"


@dataclass(frozen=True, slots=True)
class Header:
    content: bytes
    sync: bytes


def header(facts: Mapping[str, str]) -> Header:
    """The head of an Avro container; ``sync`` separates its blocks."""
    pairs = {**facts, "avro.codec": "deflate"}
    out = [_MAGIC, varint(len(pairs))]
    for key, value in pairs.items():
        out += [varint(len(key)), key.encode(), varint(len(value.encode())), value.encode()]
    sync = os.urandom(16)
    return Header(b"".join([*out, b"\x00", sync]), sync)


def container(head: Header, lines: Sequence[bytes]) -> bytes:
    if not lines:
        return head.content
    press = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = press.compress(b"".join(lines)) + press.flush()
    return b"".join([head.content, varint(len(lines)), varint(len(block)), block, head.sync])


def varint(number: int) -> bytes:
    """Avro's long: zig-zag, seven bits at a time."""
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left & ~0x7F:
        out.append((left & 0x7F) | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def encode(writer: Any, record: Record) -> bytes:
    out = io.BytesIO()
    writer.write(BinaryEncoder(out), record)
    return out.getvalue()
