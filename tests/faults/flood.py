"""Log-ins under names that nobody has, each from another address: python -m tests.faults.flood ADDRESS CLIENTS SECONDS

A process of its own: what it costs to make requests is not to be taken for what it costs to answer them. Says in JSON what
it saw. Written out, since a client library takes longer for a request than the server does.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from http import HTTPStatus
from typing import Self, final
from urllib.parse import urlsplit


@final
@dataclass(slots=True, kw_only=True)
class Flood:
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    slowest: float = 0.0  # of those whose password was looked at, in seconds
    sent: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        said = json.loads(text)
        return cls(**said | {"statuses": Counter({int(status): count for status, count in said["statuses"].items()})})

    def said(self) -> str:
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)})

    async def guess(self, host: str, port: int, until: float) -> None:
        connection = None
        while time.monotonic() < until:
            self.sent += 1
            began = time.monotonic()
            if connection is None:
                connection = await asyncio.open_connection(host, port)
            reader, writer = connection
            writer.write(_log_in(self.sent))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            status = int(head.split()[1])
            if status == HTTPStatus.UNAUTHORIZED:
                self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses[status] += 1
            self.without_retry_after += status in {429, 503} and b"retry-after: " not in head
            if b"connection: close" in head:
                writer.close()
                connection = None


def _log_in(n: int) -> bytes:
    body = f"username=nobody{n}&password=not+the+password+at+all"
    return (
        "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"X-Forwarded-For: 198.{18 + n // 65536 % 2}.{n // 256 % 256}.{n % 256}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _flood(address: str, clients: int, seconds: float) -> Flood:
    flood, until, url = Flood(), time.monotonic() + seconds, urlsplit(address)
    await asyncio.gather(*(flood.guess(url.hostname or "", url.port or 80, until) for _ in range(clients)))
    return flood


if __name__ == "__main__":
    print(asyncio.run(_flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))).said())
