"""Dictionaries that a unit of work can write to without anybody seeing it."""

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Table(dict[K, V]):
    """What is committed."""


class Overlay(Generic[K, V]):
    """A table as one unit of work sees it: what is committed, and over it what the work has changed."""

    def __init__(self, table: Table[K, V]) -> None:
        self._table = table
        self._changed: dict[K, V] = {}
        self._removed: set[K] = set()

    def get(self, key: K) -> V | None:
        return None if key in self._removed else self._changed.get(key) or self._table.get(key)

    def put(self, key: K, value: V) -> None:
        self._removed.discard(key)
        self._changed[key] = value

    def remove(self, key: K) -> None:
        self._changed.pop(key, None)
        self._removed.add(key)

    def values(self) -> Iterator[V]:
        yield from self._changed.values()
        yield from (value for key, value in self._table.items() if key not in self._changed and key not in self._removed)

    def merge(self) -> None:
        self._table.update(self._changed)
        for key in self._removed:
            self._table.pop(key, None)
        self._changed, self._removed = {}, set()
