"""Stopping without a request lost: those that have connected are served, and those that stay connected once more."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import final

import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from entrypoints.http.bounded import BoundedHttp

_SECONDS_TO_ACCEPT = 0.1
_SECONDS_FOR_ONE_MORE = 1
_MOST_UNDER_WAY = 256 * 1024  # to one client; left to itself the kernel takes megabytes that nobody reads


@final
class DrainingHttp(BoundedHttp):
    """HTTP/1.1 that, at a graceful stop, waits a moment on idle connections for a request that is on its way.

    Its answer says `Connection: close`. Cut at once, such a connection takes with it a request that its client has sent and
    cannot tell from one that was served (RFC 9112 9.5).
    """

    _stopping = False

    def shutdown(self) -> None:
        self._stopping = True
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        if cycle is not None and not cycle.response_complete:
            super().shutdown()  # lets it finish
            return
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(_SECONDS_FOR_ONE_MORE, self.timeout_keep_alive_handler)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._stopping:
            self.cycle.keep_alive = False


@final
class DrainingServer(uvicorn.Server):
    """Takes what the kernel has accepted in its name before it stops listening: the rest of that queue would be reset."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(_SECONDS_TO_ACCEPT)
        # What has come since the loop last looked: taken and closed in one step, with no turn of the loop in between.
        waiting = [accepted for listening in sockets or () for accepted in _all_that_wait(listening)]
        for server in self.servers:
            server.close()
        for accepted in waiting:
            with suppress(OSError):
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, accepted)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made = self.config.http_protocol_class
        return made(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg]  # as uvicorn itself makes it


def _all_that_wait(listening: socket.socket) -> Iterator[socket.socket]:
    with suppress(OSError):
        while True:
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            yield accepted


def serve_until_stopped(config: uvicorn.Config) -> None:
    """As `uvicorn.run` does, with the server above. (Where workers share a port, its queue outlives each of them.)"""
    server = DrainingServer(config)
    listening = config.bind_socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_UNDER_WAY)  # inherited by every connection
    with suppress(KeyboardInterrupt):
        if config.workers > 1:
            Multiprocess(config, sockets=[listening]).run()
            return
        server.run(sockets=[listening])
    if not server.started:
        sys.exit(3)
