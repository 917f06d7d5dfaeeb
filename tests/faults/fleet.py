"""Portunus processes behind one database, each at a port that it keeps over its lives."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import final

from tests.examples import SECRET
from tests.server import Server, free_port, launched

# One hash in a millisecond: what is tried here is not the hashing.
ENVIRONMENT = {
    "PORTUNUS_SECRET_KEY": SECRET,
    "PORTUNUS_ISSUER": "http://127.0.0.1:8000",
    "PORTUNUS_ARGON2_MEMORY": "64",
    "PORTUNUS_ARGON2_TIME": "1",
}


@final
class Process:
    def __init__(self, url: str, folder: Path, env: Mapping[str, str], command: Sequence[str | Path]) -> None:
        self.url = url
        self._folder = folder
        self._env = {**ENVIRONMENT, **env}
        self._port = free_port()
        self._command = command
        self._life: AbstractContextManager[Server] | None = None
        self._server: Server | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.process.pid

    def log(self) -> str:
        assert self._server is not None
        return self._server.log_path.read_text()

    def is_alive(self) -> bool:
        return self._server is not None and self._life is not None and self._server.process.poll() is None

    async def start(self, *, until: str = "/health/ready") -> None:
        self._life = launched(self.url, self._folder, port=self._port, until=until, env=self._env, command=self._command)
        self._server = await asyncio.to_thread(self._life.__enter__)

    async def restart(self, **env: str) -> None:
        """By SIGTERM, and with other values of these variables from now on."""
        await self.stop()
        self._env = {**self._env, **env}
        await self.start()

    async def kill(self) -> None:
        assert self._server is not None
        self._server.process.kill()
        await self.stop()

    async def stop(self) -> None:
        """By SIGTERM: it must end cleanly."""
        if self._life is not None:
            life, self._life = self._life, None
            await asyncio.to_thread(life.__exit__, None, None, None)


@asynccontextmanager
async def running(
    url: str,
    folder: Path,
    *,
    processes: int = 2,
    until: str = "/health/ready",
    env: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = (),
) -> AsyncIterator[list[Process]]:
    """So many processes, from when each answers 200 to `until`."""
    made = [Process(url, folder, env or {}, command) for _ in range(processes)]
    try:
        await asyncio.gather(*(process.start(until=until) for process in made))
        yield made
    finally:
        await asyncio.gather(*(process.stop() for process in made))


def addresses(processes: Sequence[Process]) -> list[str]:
    return [process.address for process in processes]
