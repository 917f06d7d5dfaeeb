"""A TCP relay between Portunus and its database, or its clients, which loses, delays and cuts what passes."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import final

# The row that a rotation returns, its tag, then "ready for a query, in no transaction": by then PostgreSQL has committed it.
ROTATED = re.compile(rb"(advanced|repeated).*(UPDATE|SELECT) 1\x00Z\x00\x00\x00\x05I$", re.DOTALL)
ANSWERED = re.compile(rb'"refresh_token":"prt_')  # what Portunus says of one: its head may have passed before


@final
class Relay:
    """Forwards to `port` on loopback. What it does to the traffic is in its fields, which a test changes as it goes."""

    def __init__(self, port: int, *, answers: re.Pattern[bytes] = ROTATED) -> None:
        self.target = port
        self._answers = answers
        self.delay = 0.0  # seconds, on everything
        self.blackhole = False  # nothing passes, and nobody is told
        self.refusing = False  # new connections are reset
        self.to_lose = 0  # so many of those `answers` are lost, after the commit, and their connections cut
        self.lost = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Relay"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.reset_all()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset_all(self) -> None:
        """Cut every connection, as a firewall that forgets does when it is asked again."""
        for writer in list(self._writers):
            writer.transport.abort()

    def half_close_all(self) -> None:
        """Say to every client that no more will come, while still listening to it."""
        for writer in list(self._writers):
            if writer.can_write_eof():
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, upstream}
        self._writers |= pair
        tasks = [
            asyncio.ensure_future(self._forward(reader, upstream, from_client=True)),
            asyncio.ensure_future(self._forward(upstream_reader, writer, from_client=False)),
        ]
        self._tasks |= set(tasks)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            self._tasks -= set(tasks)
            self._writers -= pair
            for one in pair:
                one.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.blackhole:
                    continue
                if not from_client and self.lost < self.to_lose and self._answers.search(data):
                    self.lost += 1
                    return
                writer.write(data)
                await writer.drain()
