"""Clients that do what clients do, and write down what they saw."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from typing import Any, final

import httpx2

from tests.examples import PASSWORD
from tests.faults.history import Act, Operation

_SECONDS_TO_WAIT = 15
_SECONDS_TO_HEAL = 20
_SECONDS_BETWEEN_TRIES = 0.05
_AT_THE_DOOR = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """Of a hundred acts so many are log-outs, and so many ask who is calling; the rest refresh. `pause` is in seconds."""

    log_outs: int = 3
    asking: int = 20
    pause: float = 0.1


@final
class Client:
    """One user with one session at a time. Goes to any of the processes, and to the next where nobody listens.

    A refresh that got no answer is repeated with the token that was sent, which is at most one back.
    """

    def __init__(self, number: int, crowd: "Crowd") -> None:
        self.number = number
        self._crowd = crowd
        self._session = ""
        self._refresh_token = ""
        self._access_token = ""

    async def sign_up(self) -> None:
        """Again while it is told to come later, by when it may have the name."""
        body = {"username": self._name, "email": "someone@example.com", "password": PASSWORD}
        allowed = {201, 503}
        for _ in range(_SECONDS_TO_HEAL * 2):
            answer = await self._crowd.http.post(f"{self._crowd.addresses[0]}/signup", json=body)
            assert answer.status_code in allowed, answer.text
            if answer.status_code != 503:
                return
            allowed = {201, 400, 503}
            await asyncio.sleep(0.5)
        raise AssertionError("no answer but 503")

    async def live(self, habits: Habits) -> None:
        """Go on until cancelled between two acts."""
        while not self._crowd.leaving.is_set():
            await self._act(habits)
            await asyncio.sleep(habits.pause * (0.5 + secrets.randbelow(1000) / 1000))

    async def come_back(self) -> None:
        """When all is well again: refresh until it works, or until it is clear that it never will."""
        deadline = time.monotonic() + _SECONDS_TO_HEAL
        while not self._session and time.monotonic() < deadline:
            await self.log_in()
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
        while time.monotonic() < deadline:
            act = await self.refresh(healed=True)
            if not act.means_later:
                return
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)

    async def log_in(self) -> Act:
        form = {"username": self._name, "password": PASSWORD}
        act, body = await self._request(Operation.LOG_IN, "/token", data=form)
        return self._remember(act, body)

    async def refresh(self, *, healed: bool = False) -> Act:
        token = self._refresh_token
        act, body = await self._request(
            Operation.REFRESH, "/refresh", json={"refresh_token": token}, token=token, healed=healed
        )
        return self._remember(act, body)

    async def ask_who(self) -> Act:
        act, _ = await self._request(Operation.ME, "/users/me", method="GET", headers=self._bearer)
        return act

    async def log_out(self) -> Act:
        act, _ = await self._request(Operation.LOG_OUT, "/logout", headers=self._bearer)
        return act

    async def _act(self, habits: Habits) -> None:
        if not self._session:
            await self.log_in()
            return
        chance = secrets.randbelow(100)
        if chance < habits.log_outs:
            await self._leave()
            return
        if chance < habits.log_outs + habits.asking and (await self.ask_who()).status != 401:
            return
        if (await self.refresh()).status == 401:
            self._session = ""  # true or not: the next act is to log in

    async def _leave(self) -> None:
        """Log out, try whether what was revoked still works, and log in anew."""
        if (await self.log_out()).succeeded:
            await self.ask_who()
            await self.refresh()
            self._session = ""
            await self.log_in()

    def _remember(self, act: Act, body: dict[str, Any]) -> Act:
        if act.succeeded:
            self._session = act.session
            self._refresh_token, self._access_token = body["refresh_token"], body["access_token"]
        return act

    @property
    def access_token(self) -> str:
        return self._access_token

    @property
    def _name(self) -> str:
        return f"{self._crowd.name}-{self.number}"

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._access_token}"}

    async def _request(
        self,
        operation: Operation,
        path: str,
        *,
        method: str = "POST",
        token: str = "",
        healed: bool = False,
        **request: Any,
    ) -> tuple[Act, dict[str, Any]]:
        process, sent, answer = await self._crowd.send(method, path, **request)
        body: dict[str, Any] = {}
        if answer is not None and answer.is_success and answer.content:
            body = answer.json()
        session = "" if operation is Operation.LOG_IN else self._session
        act = Act(
            client=self.number,
            session=session_of(body["access_token"]) if "access_token" in body else session,
            operation=operation,
            token=fingerprint(token),
            sent=sent,
            received=time.monotonic(),
            status=answer.status_code if answer is not None else None,
            successor=fingerprint(body.get("refresh_token", "")),
            retry_after=answer is not None and "Retry-After" in answer.headers,
            process=process,
            healed=healed,
        )
        self._crowd.history.append(act)
        return act, body


@final
class Crowd:
    """Clients, and the history that they write together."""

    def __init__(self, addresses: Sequence[str], pools: Sequence[httpx2.AsyncClient]) -> None:
        self.name = f"crowd-{secrets.token_hex(4)}"
        self.addresses = addresses
        self.http = pools[0]
        self._pools = cycle(pools)
        self.history: list[Act] = []
        self.leaving = asyncio.Event()
        self.clients: list[Client] = []

    async def arrive(self, count: int) -> None:
        """Sign up and log in, not all at once."""
        self.clients = [Client(number, self) for number in range(count)]
        door = asyncio.Semaphore(_AT_THE_DOOR)

        async def arrive(client: Client) -> None:
            async with door:
                await client.sign_up()
                while not (await client.log_in()).succeeded:  # noqa: ASYNC110 - there is no event
                    await asyncio.sleep(_SECONDS_BETWEEN_TRIES)

        await asyncio.gather(*(arrive(client) for client in self.clients))

    @asynccontextmanager
    async def at_work(self, habits: Habits | None = None) -> AsyncIterator[None]:
        """For as long as this lasts; then each comes back once more, when all is well again."""
        self.leaving.clear()
        async with asyncio.TaskGroup() as working:
            for client in self.clients:
                working.create_task(client.live(habits or Habits()))
            try:
                yield
            finally:
                self.leaving.set()
        await self.come_back()

    async def pause_at_half_load(self, seconds: float = 3) -> float:
        """How long each has to pause after an act for all to act half as often as they do without pauses, which is tried."""
        before = len(self.history)
        async with self.at_work(Habits(pause=0)):
            await asyncio.sleep(seconds)
            acts = len(self.history) - before
        return 2 * seconds * len(self.clients) / acts

    async def until_served(self, *, since: float, within: float) -> float:
        """How long after `since` every process had answered with success again; a little over `within` if one had not."""
        while True:
            now = time.monotonic()
            first = {act.process: act.received for act in reversed(self.history) if act.succeeded and act.sent >= since}
            if len(first) == len(self.addresses):
                return max(first.values()) - since
            if now - since > within:
                return now - since
            await asyncio.sleep(_SECONDS_BETWEEN_TRIES)

    async def come_back(self) -> None:
        await asyncio.gather(*(client.come_back() for client in self.clients))

    async def send(self, method: str, path: str, **request: Any) -> tuple[int, float, httpx2.Response | None]:
        """To one of the processes, to the next if nobody listens there. `None` where there was no answer."""
        first = secrets.randbelow(len(self.addresses))
        process, sent = first, time.monotonic()
        for tries in range(len(self.addresses)):
            process = (first + tries) % len(self.addresses)
            sent = time.monotonic()
            with suppress(httpx2.ConnectError):
                try:
                    return process, sent, await next(self._pools).request(method, self.addresses[process] + path, **request)
                except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError, httpx2.TimeoutException):
                    break
                except AttributeError:  # of anyio, which asks a socket that was reset meanwhile for its peer
                    break
        return process, sent, None


@asynccontextmanager
async def crowd(
    addresses: Sequence[str], count: int, *, patience: float = _SECONDS_TO_WAIT, pools: int = 1, kept: float = 3
) -> AsyncIterator[Crowd]:
    """`pools` of connections: one that holds thousands spends more time on itself than the server does on the requests.

    What was answered is `kept` for so many seconds. Servers let go after five: a request that crosses that would look like one
    that was dropped for a fault, and thousands that are made at once take seconds to be sent.
    """
    most = 2 * count + 100
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=kept)
    async with AsyncExitStack() as stack:
        https = [httpx2.AsyncClient(timeout=patience, limits=limits, verify=False) for _ in range(pools)]
        made = Crowd(addresses, [await stack.enter_async_context(http) for http in https])
        await made.arrive(count)
        yield made


def fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:12] if token else ""


def session_of(access_token: str) -> str:
    """`sid`, unverified: the history only needs a name for the session."""
    payload = access_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["sid"])
