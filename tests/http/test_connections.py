"""What a connection is held to, and what it is not: by a server of one application, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from entrypoints.http.bounded import BoundedHttp

PATIENCE = timedelta(milliseconds=50)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Connected:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, under_way: asyncio.Event) -> None:
        self.reader = reader
        self.writer = writer
        self.go_on = under_way

    def is_hung_up_on(self) -> bool:
        """By the end of what comes, or by a reset, where something was written to what had ended."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def all_there_is(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()


@asynccontextmanager
async def connected(*, waits: bool = False) -> AsyncIterator[Connected]:
    """To an application that answers at once, or when it is let go on."""
    go_on = asyncio.Event()
    if not waits:
        go_on.set()

    async def app(_: Any, __: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}, patience=PATIENCE), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield Connected(reader, writer, go_on)
    finally:
        writer.close()
        server.close()


async def test_ht03_who_says_nothing_is_hung_up_on_without_a_word() -> None:
    async with connected() as connection:
        assert await connection.all_there_is() == b""


async def test_ht03_half_a_head_is_408_also_after_a_whole_one() -> None:
    async with connected() as connection:
        connection.writer.write(GET + GET[:10])

        answers = await connection.all_there_is()

    assert answers.startswith(b"HTTP/1.1 204 ")
    assert b"\r\n\r\nHTTP/1.1 408 " in answers
    assert b'"code":"request_timeout"' in answers


async def test_ht03_empty_lines_are_no_head_and_gain_no_time() -> None:
    async with connected() as connection:
        connection.writer.write(GET)
        await connection.reader.readuntil(b"\r\n\r\n")
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 5 and not connection.is_hung_up_on():
            connection.writer.write(b"\r\n")
            await asyncio.sleep(0.01)

        assert connection.is_hung_up_on()


async def test_an_answer_takes_as_long_as_it_takes_whatever_is_asked_meanwhile() -> None:
    async with connected(waits=True) as connection:
        connection.writer.write(GET + GET[:10])
        await asyncio.sleep(4 * PATIENCE.total_seconds())
        assert not connection.reader.at_eof()
        connection.go_on.set()

        answers = await connection.all_there_is()

    assert answers.startswith(b"HTTP/1.1 204 ")
    assert b"HTTP/1.1 408 " in answers
