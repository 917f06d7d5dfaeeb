"""Passwords that leaked, at a service that is told five digits of a SHA-1 and answers with all that begin so."""

import asyncio
import ssl
from typing import final
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

from adapters.security.breaches import NoAnswer

_TOLD = 5
_MOST_BYTES = 1 << 20  # of an answer: a range is some 40 kB
_CHUNK = 16384


@final
class BreachService:
    """The API of Pwned Passwords, ranges. Follows no redirect and no proxy: it is told to one address and no other."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._address = parts.netloc
        self._path = parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    async def holds(self, digest: str) -> bool:
        told, kept = digest[:_TOLD], digest[_TOLD:]
        answer = await self._ask(told)
        counts = (line.strip().upper().partition(":") for line in answer.splitlines())
        return any(found == kept and count.strip("0") for found, _, count in counts)  # of none there are 0: padding

    async def _ask(self, told: str) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls)
        try:
            writer.write(
                f"GET {self._path}/{told} HTTP/1.1\r\nHost: {self._address}\r\nUser-Agent: portunus\r\n"
                "Accept: text/plain\r\nAdd-Padding: true\r\nConnection: close\r\n\r\n".encode()
            )
            return await _read(reader)
        finally:
            writer.transport.abort()  # a farewell could keep us waiting


async def _read(reader: asyncio.StreamReader) -> str:
    answer, taken = _Answer(), 0
    parser = HttpResponseParser(answer)
    while not answer.is_whole:
        part = await reader.read(_CHUNK)
        taken += len(part)
        if not part or taken > _MOST_BYTES:
            raise NoAnswer
        try:
            parser.feed_data(part)
        except HttpParserError:
            raise NoAnswer from None
    if parser.get_status_code() != 200:
        raise NoAnswer
    return answer.body.decode("ascii", errors="replace")


@final
class _Answer:
    """What the parser tells."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.is_whole = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.is_whole = True
