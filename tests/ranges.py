"""A service that knows of leaked passwords, to be asked by ranges; or one that does not do as it should."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def lines_of(passwords: Iterable[str]) -> list[str]:
    return sorted(f"{digest_of(password)}:{number + 1}" for number, password in enumerate(passwords))


@dataclass(slots=True)
class Ranges:
    """`asked` has the heads of the requests, whole."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving_ranges(
    *known: str, answer: bytes | None = None, stalls: bool = False, padding: Iterable[str] = (), tls: SSLContext | None = None
) -> AsyncIterator[Ranges]:
    """`answer` is given to whatever is asked; one that stalls drips a byte now and then, and never comes to an end.

    `padding` are passwords that it names as having leaked never.
    """
    ranges, over = Ranges(), asyncio.Event()
    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        ranges.asked.append(head)
        told = head.split()[1].rpartition("/")[2]
        lines = [line[5:] for line in lines_of(known) if line.startswith(told)] + ["0" * 35 + ":0"]
        lines += [f"{digest_of(one)[5:]}:0" for one in padding]
        body = "\r\n".join(lines).encode()
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        try:
            if stalls:
                writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while stalls and not over.is_set():
                writer.write(b"0")
                await writer.drain()
                await asyncio.sleep(0.02)
                if writer.is_closing():
                    return
            writer.write(answer or b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    ranges.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/range/"
    try:
        yield ranges
    finally:
        server.close()
        over.set()
        await asyncio.gather(*(task for task in serving if task))
