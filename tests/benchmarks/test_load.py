"""The load generator, against a server that counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from benchmarks.measured import generated
from benchmarks.plan import Plan, dealt

SECONDS = 20  # it ends before, when everything is sent


class Counting:
    """Answers each request in two pieces, as a network may; what asks for `/no` gets 503."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.addresses: set[str] = set()
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.addresses.add(writer.get_extra_info("peername")[0])
        while True:
            try:
                request = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                writer.close()
                return
            self.asked.append(request)
            status = b"503 No" if b"/no" in request else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Len")
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"gth: 5\r\n\r\nhello")


@asynccontextmanager
async def counting() -> AsyncIterator[Counting]:
    made = Counting()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def test_each_request_is_sent_once_and_each_answer_counted_by_its_status() -> None:
    pool = [b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(30)] + [b"GET /no HTTP/1.1\r\n\r\n"] * 3

    async with counting() as server:
        load = await asyncio.to_thread(generated, dealt(server.port, pool, connections=4), SECONDS)

    assert sorted(server.asked) == sorted(pool)
    assert load.statuses == {"200": 30, "503": 3}
    assert (load.good, load.all, load.lost, len(load.latencies)) == (30, 33, 0, 30)


async def test_what_was_not_sent_is_known() -> None:
    pool = [b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(30)]

    async with counting() as server:
        plan = dealt(server.port, pool, connections=4)
        load = await asyncio.to_thread(generated, replace(plan, per_second=100), 0.1)

    assert 0 < len(server.asked) < 30
    assert sorted(server.asked + plan.unsent(load.sent)) == sorted(pool)


async def test_connections_come_from_networks_of_their_own() -> None:
    async with counting() as server:
        await asyncio.to_thread(generated, dealt(server.port, [b"GET / HTTP/1.1\r\n\r\n"] * 3, connections=3), SECONDS)

    assert server.addresses == {"127.0.1.1", "127.0.2.1", "127.0.3.1"}


async def test_a_pace_is_kept_to() -> None:
    async with counting() as server:
        plan = Plan(port=server.port, pool=[b"GET / HTTP/1.1\r\n\r\n"], orders=[[0] * 10] * 2, once=True, per_second=100)
        load = await asyncio.to_thread(generated, plan, SECONDS)

    assert load.good == 20
    assert load.seconds >= 0.18  # nine pauses of 20 ms on each connection
