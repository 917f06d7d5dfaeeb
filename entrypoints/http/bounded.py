"""Bounds that only the connection can keep: on the head of a request as it comes, and on the time that clients take."""

import socket
import struct
from asyncio import Transport
from asyncio.events import TimerHandle
from datetime import timedelta
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from entrypoints.http.middleware import ALWAYS, NOT_KEPT
from entrypoints.http.problems import HEAD_TOO_LARGE, MALFORMED, TOO_SLOW, Problem, respond

_SOME = 16 * 1024
_MOST_OF_A_HEAD = 32 * 1024  # that is not whole yet; of a whole one `RequestLimits` judges


class BoundedHttp(HttpToolsProtocol):
    """HTTP/1.1 that waits no longer than `patience` for the head of a request, and for a client to take 16 KiB of its answer.

    What is under way is never cut: a client that takes long to ask is told so, one that takes no more of its answer is hung up
    on. Fields behind a body (RFC 9112 7.1.2) are no headers: they come when the headers have been judged.
    """

    _in_head = False
    _head: int | None = 0  # bytes of it so far; `None` until the next of them come
    _asking: TimerHandle | None = None
    _taking: TimerHandle | None = None
    _left = 0
    _served: RequestResponseCycle | None = None  # while `cycle` is the one read last: others may wait in between

    def __init__(self, *of_uvicorn: Any, patience: timedelta = timedelta(seconds=10), **by_name: Any) -> None:
        super().__init__(*of_uvicorn, **by_name)
        self._patience = patience.total_seconds()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._asking = self.loop.call_later(self._patience, self._stop_waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._asking, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        if self._served is not None:  # else its answer would be a bug: there is nobody to send it to
            self._served.disconnected = True
            self._served.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head = 0 if self._head is None else self._head + len(data)
            if self._head > _MOST_OF_A_HEAD:
                self._refuse(HEAD_TOO_LARGE)
                return
        if self._asking is None and (self._in_head or not self._is_answering):
            self._asking = self.loop.call_later(self._patience, self._stop_waiting)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, None

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        self._refuse(MALFORMED)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None and not self.transport.is_closing():
            self._taking.cancel()
            self._taking = None

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return cycle is not None and not cycle.response_complete

    def _stop_waiting(self) -> None:
        self._asking = None
        if self._is_answering:  # and it began to ask the next thing already
            self._asking = self.loop.call_later(self._patience, self._stop_waiting)
        elif self._in_head:
            self._refuse(TOO_SLOW)
        else:
            self.transport.close()
            self._watch()

    def _refuse(self, problem: Problem) -> None:
        if self._is_answering and not self.cycle.more_body:
            self.cycle.keep_alive = False  # in turn: an answer at once would be taken for one to what came before
            self.flow.pause_reading()
            return
        answer = respond(problem)
        headers = b"".join(b"%b: %b\r\n" % each for each in (*answer.raw_headers, *ALWAYS, *NOT_KEPT))
        self.transport.write(STATUS_LINE[problem.status] + headers + b"\r\n" + bytes(answer.body))
        self.transport.close()
        self._watch()

    def _watch(self) -> None:
        """Hang up unless some of what is waiting to be sent is taken, again and again: a close waits for that without end."""
        if self._taking is None:
            self._left = self.transport.get_write_buffer_size()
            self._taking = self.loop.call_later(self._patience, self._look)

    def _look(self) -> None:
        self._taking = None
        left = self.transport.get_write_buffer_size()
        if 0 < left <= self._left - _SOME:
            self._watch()
        elif left:
            reset = struct.pack("ii", 1, 0)  # else the kernel goes on offering what nobody takes
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.transport.abort()
