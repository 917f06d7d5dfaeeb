"""Connections that outlive their requests, when the server stops."""

from typing import final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

_SECONDS_FOR_ONE_MORE = 1


@final
class DrainingHttp(HttpToolsProtocol):
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
