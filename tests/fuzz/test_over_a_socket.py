"""A server that runs, and what no client library would send it, from many at once: it stays well."""

import asyncio
import os
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.examples import PASSWORD
from tests.fuzz.conversations import Conversation, Ending
from tests.http.api import SIGN_UP
from tests.server import Server, serving

CONVERSATIONS = int(os.environ.get("PORTUNUS_FUZZ_CONVERSATIONS", "300"))
_AT_ONCE = 40
_SECONDS_TO_LISTEN = 2
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# All that the description has for any route, and what comes before a request is one.
_DESCRIBED = {100, 200, 201, 204, 307, 400, 401, 404, 405, 408, 413, 415, 422, 429, 431, 503}
_IS_A_BUG = re.compile(r"Traceback|request_failed|Exception in ASGI|Exception in callback|never retrieved")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"PORTUNUS_REQUEST_TIMEOUT": "PT1S", "PORTUNUS_ARGON2_MEMORY": "64", "PORTUNUS_ARGON2_TIME": "1"}
    with serving("memory://", tmp_path_factory.mktemp("fuzzed"), **settings) as started:
        yield started


async def hold(conversation: Conversation, server: Server) -> bytes:
    """Everything that is answered, for as long as somebody would listen."""
    place = urlsplit(server.address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    answered = bytearray()

    async def listen() -> None:
        while part := await reader.read(65536):
            answered.extend(part)

    listening = asyncio.create_task(listen())
    with suppress(OSError, RuntimeError):  # of uvloop, upon a connection that was closed
        for piece in conversation.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)
        if conversation.ending is Ending.HALF_CLOSE:
            writer.write_eof()
        if conversation.ending in {Ending.WAIT, Ending.HALF_CLOSE}:
            await asyncio.wait({listening}, timeout=_SECONDS_TO_LISTEN)
        if conversation.ending is Ending.RESET and (connection := writer.get_extra_info("socket")):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    listening.cancel()
    with suppress(OSError, asyncio.CancelledError):
        await listening
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return bytes(answered)


async def test_ht02_ht03_ht04_ht08_whatever_is_sent_over_many_connections_the_server_stays_well(server: Server) -> None:
    seen: Counter[int] = Counter()
    wrong: list[tuple[int, bytes]] = []
    open_before = _open_files(server)
    numbers = iter(range(CONVERSATIONS))

    async def talk() -> None:
        for number in numbers:
            answer = await hold(Conversation.make(number), server)
            statuses = [int(status) for status in _STATUS.findall(answer)]
            seen.update(statuses)
            if not set(statuses) <= _DESCRIBED or statuses.count(503) > answer.lower().count(b"retry-after: "):
                wrong.append((number, answer[:500]))

    await asyncio.gather(*(talk() for _ in range(_AT_ONCE)))

    assert wrong == []
    assert seen[400] > CONVERSATIONS / 10, "most of it is malformed"
    assert {200, 400, 401, 404, 413, 422, 431} <= set(seen), seen
    async with httpx2.AsyncClient(base_url=server.address, timeout=5) as http:
        for path in ("/health/live", "/health/ready"):
            assert (await http.get(path)).status_code == 200
        account = {"username": "afterwards", "password": PASSWORD}
        assert (await http.post("/signup", json={**SIGN_UP, **account})).status_code == 201
        assert (await http.post("/token", data=account)).status_code == 200
    deadline = time.monotonic() + 15
    while _open_files(server) > open_before + 2:
        assert time.monotonic() < deadline, "connections are left"
        await asyncio.sleep(0.2)
    assert _IS_A_BUG.findall(server.log_path.read_text()) == []


def _open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def test_conversations_are_the_same_each_time_and_differ_from_each_other() -> None:
    made = [Conversation.make(number) for number in range(50)]

    assert made == [Conversation.make(number) for number in range(50)]
    assert len({one.pieces[0] for one in made}) > 25
    assert {one.ending for one in made} == set(Ending)
