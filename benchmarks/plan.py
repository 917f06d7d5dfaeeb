"""What a load generator is to send: whole requests, made beforehand, and which connection sends which of them when."""

import json
import secrets
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SIZE = struct.Struct(">I")
_PLAIN = ("port", "once", "per_second", "at_once", "good")
_DRAWN = 5_000  # of a pool, for each connection, before it begins anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`orders` has, for each connection, which of the `pool` it sends; anew from the start, unless each is good only `once`.

    Without `per_second` each connection asks as soon as it is answered; with it, all of them together ask so often, in turns or
    all `at_once`, and the latency counts from when a request was due. `good` is how the status of the answer that is wanted
    begins.
    """

    port: int
    pool: Sequence[bytes]
    orders: Sequence[Sequence[int]]
    once: bool = False
    per_second: float | None = None
    at_once: bool = False
    good: str = "2"

    def unsent(self, sent: Sequence[int]) -> list[bytes]:
        """What is left of a plan whose requests are good once, of which each connection sent so many; in the pool's order."""
        left = [number for order, count in zip(self.orders, sent, strict=True) for number in order[count:]]
        return [self.pool[number] for number in sorted(left)]

    def write(self, path: Path) -> None:
        head = json.dumps(
            {**{name: getattr(self, name) for name in _PLAIN}, "orders": [len(one) for one in self.orders]}
        ).encode()
        with path.open("wb") as file:
            for part in (head, *(array("I", order).tobytes() for order in self.orders), *self.pool):
                file.write(_SIZE.pack(len(part)) + part)

    @classmethod
    def read(cls, path: Path) -> "Plan":
        parts = list(_parts(path.read_bytes()))
        head = json.loads(parts[0])
        connections = len(head["orders"])
        orders = [array("I", part) for part in parts[1 : 1 + connections]]
        return cls(pool=parts[1 + connections :], orders=orders, **{name: head[name] for name in _PLAIN})


def drawn(port: int, pool: Sequence[bytes], *, connections: int, per_second: float | None = None) -> Plan:
    """Requests drawn at random from the pool, by each connection on its own."""
    many = _DRAWN if len(pool) > 1 else 1
    orders = [[number % len(pool) for number in array("I", secrets.token_bytes(4 * many))] for _ in range(connections)]
    return Plan(port=port, pool=pool, orders=orders, per_second=per_second)


def dealt(port: int, pool: Sequence[bytes], *, connections: int) -> Plan:
    """Each request once, in their order, dealt to the connections in turn."""
    orders = [range(first, len(pool), connections) for first in range(connections)]
    return Plan(port=port, pool=pool, orders=orders, once=True)


def _parts(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        (size,) = _SIZE.unpack_from(data, at)
        found.append(data[at + _SIZE.size : at + _SIZE.size + size])
        at += _SIZE.size + size
    return found
