"""How those are answered who ask too often, or guess."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from application.clients.add_client import AddClient
from application.directory.unlock_user import UnlockUser
from application.ports.unit_of_work import StoreUnavailable
from domain.attempts import FREE
from domain.client import ClientId
from domain.username import Username
from entrypoints.http.app import ROUTERS
from entrypoints.http.throttling import BY_ADDRESS
from tests.examples import PASSWORD, a_stored_user, a_user
from tests.fakes import FakeClock
from tests.http.api import FORGED, SIGN_UP, Api, an_api, require_problem

WRONG = "not the password at all"
HOUR = timedelta(hours=1)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def throttled(clock: FakeClock, **settings: Any) -> AbstractAsyncContextManager[Api]:
    return an_api(throttle="on", clock=clock, trusted_proxies="127.0.0.1/32", **settings)


@pytest.fixture
async def guarded(clock: FakeClock) -> AsyncIterator[Api]:
    """With the limits as they are by default; and a proxy, so that a test can come from anywhere."""
    async with throttled(clock) as made:
        yield made


async def guess(api: Api, username: str = "johndoe", password: str = WRONG, *, address: str = "127.0.0.1") -> httpx2.Response:
    form = {"username": username, "password": password}
    return await api.http.post("/token", data=form, headers={"X-Forwarded-For": address})


async def hammer(api: Api, times: int = 20, username: str = "johndoe") -> Counter[int]:
    """From another address each time."""
    return Counter([(await guess(api, username, address=f"198.51.100.{n % 250}")).status_code for n in range(times)])


def told(answer: httpx2.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, sorted(pair for pair in answer.headers.items() if pair[0] != "x-request-id")


async def test_the_eleventh_sign_up_within_an_hour_is_429_and_says_when_to_come_again(guarded: Api, clock: FakeClock) -> None:
    answers = [await guarded.sign_up(username=f"user{number}") for number in range(11)]

    body = require_problem(answers[-1], 429, "too_many_requests")

    assert [answer.status_code for answer in answers[:-1]] == [201] * 10
    assert body["detail"] == "Too many requests came from your address. Try again in 6 minutes."
    assert answers[-1].headers["Retry-After"] == "360"
    assert answers[-1].headers["RateLimit-Policy"] == '"sign_up";q=10;w=3600'
    assert answers[-1].headers["RateLimit"] == '"sign_up";r=0;t=360'
    clock.advance(timedelta(seconds=360))
    assert (await guarded.sign_up(username="user10")).status_code == 201


async def test_where_the_address_decides_it_is_429_before_the_body_is_looked_at(guarded: Api) -> None:
    for number in range(10):
        await guarded.sign_up(username=f"user{number}")

    answers = [
        await guarded.http.post("/signup", content=b"{", headers={"Content-Type": "application/json"}),
        await guarded.http.post("/signup", content=b"x" * 100_000),
        await guarded.http.post("/signup"),
    ]

    for answer in answers:
        require_problem(answer, 429, "too_many_requests")


async def test_a_log_in_from_an_address_beyond_its_limit_is_429_before_its_form_is_parsed_or_storage_asked(
    clock: FakeClock,
) -> None:
    async with throttled(clock, limit_log_in="2/1h/address") as api:
        await api.sign_up()
        device = (await with_device(api, "")).headers["Device-Token"]
        pair = (await guess(api, password=PASSWORD)).json()
        api.store.live.find_by_username = None  # would be a bug

        answers = [await guess(api), await api.http.post("/token", content=b"a=1&a=2&%zz", headers=FORM)]
        refreshed = await api.token(grant_type="refresh_token", refresh_token=pair["refresh_token"])
        del api.store.live.find_by_username
        on_device = await with_device(api, device)
        clock.advance(HOUR)
        later = await guess(api, password=PASSWORD)

    for answer in answers:
        require_problem(answer, 429, "too_many_requests")
    assert (refreshed.status_code, on_device.status_code, later.status_code) == (200, 200, 200)


async def test_the_feed_is_read_so_often_from_an_address_and_from_any_other_at_once(clock: FakeClock) -> None:
    async with throttled(clock, limit_feed="2/1m/address") as api:
        read = [
            await api.http.get("/.well-known/revocations", headers={"X-Forwarded-For": address})
            for address in ("203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8")
        ]
        clock.advance(timedelta(seconds=30))
        later = await api.http.get("/.well-known/revocations", headers={"X-Forwarded-For": "203.0.113.7"})

    assert [answer.status_code for answer in (*read, later)] == [200, 200, 429, 200, 200]
    require_problem(read[2], 429, "too_many_requests")
    assert (read[2].headers["Retry-After"], read[2].headers["RateLimit-Policy"]) == ("30", '"feed";q=2;w=60')


@pytest.mark.parametrize("path", ["//signup", "/signup/", "/SIGNUP"])
async def test_ht14_no_other_spelling_of_a_path_dodges_a_limit(guarded: Api, path: str) -> None:
    for number in range(10):
        await guarded.sign_up(username=f"user{number}")

    assert (await guarded.http.post(path, json=SIGN_UP)).status_code == 404
    assert (await guarded.http.post("/%73ignup", json={**SIGN_UP, "username": "another"})).status_code == 429


def test_each_route_that_is_limited_by_address_is_a_route() -> None:
    routes = {
        (method, route.path)  # type: ignore[attr-defined]
        for router in ROUTERS
        for route in router.routes
        for method in getattr(route, "methods", ())
    }
    posts = {path for method, path in routes - set(BY_ADDRESS) if method == "POST"}

    assert set(BY_ADDRESS) <= routes
    # These count by themselves, where a password or a refresh token is looked at. To log out costs a statement, no more.
    assert posts == {"/token", "/refresh", "/users/me/password", "/logout"}


async def test_who_mistypes_five_times_reads_what_to_do_and_gets_in_by_doing_it(guarded: Api, clock: FakeClock) -> None:
    await guarded.sign_up()
    mistyped = [await guess(guarded) for _ in range(FREE)]

    sixth = await guess(guarded, password=PASSWORD)

    assert [answer.status_code for answer in mistyped] == [401] * FREE
    body = require_problem(sixth, 429, "too_many_failures")
    assert body["detail"] == (
        "Too many wrong passwords were tried for this account, by you or by somebody else. Nothing is lost: try again in 30"
        " seconds, or at once on a device that has logged in before. Each further wrong password makes the wait longer."
    )
    assert (sixth.headers["Retry-After"], sixth.headers["RateLimit"]) == ("30", '"account";r=0;t=30')
    clock.advance(timedelta(seconds=30))
    assert (await guess(guarded, password=PASSWORD)).status_code == 200
    assert (await guess(guarded)).status_code == 401


async def test_en06_names_that_nobody_has_are_refused_at_the_same_count_and_in_the_same_words(
    guarded: Api, clock: FakeClock
) -> None:
    await guarded.sign_up()
    await a_stored_user(guarded.store, a_user("disabled", disabled_at=clock.now()))
    await a_stored_user(guarded.store, a_user("corrupt", password_hash="x"))
    names = ("johndoe", "nobody", "disabled", "corrupt", "no name at all!", "nobody@example.com")
    answered: dict[str, list[Any]] = {name: [] for name in names}

    for attempt in range(30):
        for name in names:
            answer = await guess(guarded, name, address=f"203.0.113.{attempt}")
            answered[name].append(told(answer))
        clock.advance(timedelta(seconds=29.5))

    assert Counter(status for status, _, _ in answered["johndoe"]) == {401: 9, 429: 21}
    assert [answered[name] for name in names] == [answered["johndoe"]] * len(names)


async def test_ac07_after_a_hundred_failures_the_account_is_closed_until_the_operator_opens_it(
    guarded: Api, clock: FakeClock
) -> None:
    await guarded.sign_up()
    for number in range(100):
        assert (await guess(guarded, address=f"203.0.113.{number}")).status_code == 401
        clock.advance(HOUR)
    clock.advance(timedelta(days=30))

    closed = await guess(guarded, password=PASSWORD)

    assert "Ask who runs this service" in require_problem(closed, 429, "log_in_closed")["detail"]
    assert closed.headers["Retry-After"] == "3600"
    await guarded.use_cases[UnlockUser](username=Username("johndoe"))
    assert (await guess(guarded, password=PASSWORD)).status_code == 200


async def test_ac10_who_hammers_an_account_ends_no_session_of_its_owner(guarded: Api, clock: FakeClock) -> None:
    tokens = await guarded.log_in()

    flood = await hammer(guarded)

    assert flood == {401: FREE, 429: 20 - FREE}
    assert (await guarded.me(tokens["access_token"])).status_code == 200
    assert (await guarded.refresh(tokens["refresh_token"])).status_code == 200
    clock.advance(timedelta(seconds=30))
    assert (await guess(guarded, password=PASSWORD, address="203.0.113.9")).status_code == 200


async def with_device(api: Api, token: str, password: str = PASSWORD, *, address: str = "127.0.0.1") -> httpx2.Response:
    form = {"username": "johndoe", "password": password}
    return await api.http.post("/token", data=form, headers={"X-Forwarded-For": address, "Device-Token": token})


async def test_ac10_not_a_weapon_with_a_device_token_the_owner_gets_in_at_once(guarded: Api, clock: FakeClock) -> None:
    await guarded.sign_up()
    device = (await with_device(guarded, "")).headers["Device-Token"]
    flood: Counter[int] = Counter()
    for _ in range(24):
        flood += await hammer(guarded)
        clock.advance(HOUR)
    await hammer(guarded)
    stranger = await guess(guarded, password=PASSWORD, address="203.0.113.1")

    owner = await with_device(guarded, device)

    assert flood[401] < 40
    assert flood[429] > 400
    require_problem(stranger, 429, "too_many_failures")
    assert owner.status_code == 200


async def test_ac10_a_device_is_not_kept_out_by_its_address_and_opens_a_closed_account(guarded: Api, clock: FakeClock) -> None:
    await guarded.sign_up()
    device = (await with_device(guarded, "")).headers["Device-Token"]
    for number in range(100):
        await guess(guarded, address=f"198.51.100.{number}")
        clock.advance(HOUR)
    require_problem(await guess(guarded, password=PASSWORD), 429, "log_in_closed")
    for number in range(70):
        await guess(guarded, f"name{number}")
    require_problem(await guess(guarded, "another"), 429, "too_many_requests")

    assert (await with_device(guarded, device)).status_code == 200

    assert (await guess(guarded, password=PASSWORD, address="203.0.113.1")).status_code == 200


async def test_ten_wrong_passwords_in_a_row_void_a_device(guarded: Api) -> None:
    await guarded.sign_up()
    device = (await with_device(guarded, "")).headers["Device-Token"]

    answers = [await with_device(guarded, device, WRONG) for _ in range(16)]

    # Ten of the device, then the account's own five.
    assert [answer.status_code for answer in answers] == [401] * 15 + [429]
    assert (await with_device(guarded, device)).status_code == 429


async def test_ac10_a_log_in_with_a_device_that_is_void_makes_a_new_one(guarded: Api, clock: FakeClock) -> None:
    await guarded.sign_up()
    void = (await with_device(guarded, "")).headers["Device-Token"]
    for _ in range(10):
        await with_device(guarded, void, WRONG)

    device = (await with_device(guarded, void)).headers["Device-Token"]

    for _ in range(FREE):
        await guess(guarded, address="198.51.100.1")
    clock.advance(timedelta(seconds=1))
    require_problem(await with_device(guarded, void), 429, "too_many_failures")
    assert (await with_device(guarded, device)).status_code == 200


async def test_a_device_token_is_good_for_its_account_only_and_dead_after_a_change_of_password(guarded: Api) -> None:
    await guarded.sign_up()
    await guarded.sign_up(username="another", email="another@example.com")
    answer = await with_device(guarded, "")
    device, bearer = answer.headers["Device-Token"], {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for number in range(FREE):
        await guess(guarded, "another", address=f"198.51.100.{number}")
    at_another = await guarded.http.post(
        "/token", data={"username": "another", "password": PASSWORD}, headers={"Device-Token": device}
    )
    change = {"current_password": PASSWORD, "password": "a wholly other password"}
    changed = await guarded.http.post("/users/me/password", json=change, headers=bearer)
    for number in range(FREE):
        await guess(guarded, address=f"198.51.100.{number}")

    assert (at_another.status_code, changed.status_code) == (429, 204)
    assert (await with_device(guarded, device, "a wholly other password")).status_code == 429


async def test_the_device_that_changes_the_password_is_known_again_and_every_other_is_not(guarded: Api) -> None:
    await guarded.sign_up()
    mine, other = [await with_device(guarded, "") for _ in range(2)]
    new = "a wholly other password"
    changed = await guarded.http.post(
        "/users/me/password",
        json={"current_password": PASSWORD, "password": new},
        headers={"Authorization": f"Bearer {mine.json()['access_token']}", "Device-Token": mine.headers["Device-Token"]},
    )
    await hammer(guarded)

    assert changed.status_code == 204
    assert (await with_device(guarded, changed.headers["Device-Token"], new, address="203.0.113.1")).status_code == 200
    await hammer(guarded)  # that log-in forgave what was guessed before
    for before in (mine, other):
        assert (await with_device(guarded, before.headers["Device-Token"], new, address="203.0.113.1")).status_code == 429


async def test_a_change_of_password_on_a_device_that_was_not_known_makes_it_known(guarded: Api) -> None:
    tokens = await guarded.log_in()
    changed = await guarded.http.post(
        "/users/me/password",
        json={"current_password": PASSWORD, "password": "a wholly other password"},
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )

    assert changed.headers["Set-Cookie"].startswith("__Host-device=prd_")


async def test_the_twenty_newest_devices_are_spared_the_waits_and_one_that_was_left_behind_gets_in_as_a_stranger(
    guarded: Api, clock: FakeClock
) -> None:
    await guarded.sign_up()
    devices = [(await with_device(guarded, "")).headers["Device-Token"] for _ in range(21)]
    again = (await with_device(guarded, devices[1])).headers["Device-Token"]  # is the same device, and leaves none behind
    await hammer(guarded)

    oldest, second = [await with_device(guarded, device, WRONG) for device in (devices[0], again)]
    newest = await with_device(guarded, devices[20])
    await hammer(guarded)
    clock.advance(HOUR)
    back = await with_device(guarded, devices[0])
    await hammer(guarded)

    assert (oldest.status_code, second.status_code, newest.status_code, back.status_code) == (429, 401, 200, 200)
    assert (await with_device(guarded, back.headers["Device-Token"])).status_code == 200
    await hammer(guarded)
    assert (await with_device(guarded, devices[1], WRONG)).status_code == 429


async def test_ht12_the_cookie_of_a_device_is_for_this_host_and_no_script_and_no_credential(guarded: Api) -> None:
    await guarded.sign_up()
    answer = await guess(guarded, password=PASSWORD)

    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")

    assert name == "__Host-device"
    assert sorted(attributes) == ["HttpOnly", "Max-Age=15552000", "Path=/", "SameSite=strict", "Secure"]
    assert value.startswith("prd_")
    assert "Device-Token" not in answer.headers
    assert value not in answer.text
    cookie = {"Cookie": f"__Host-device={value}"}
    require_problem(await guarded.http.get("/users/me", headers=cookie), 401, "not_authenticated")
    require_problem(
        await guarded.http.get("/users/me", headers={"Authorization": f"Bearer {value}"}), 401, "invalid_access_token"
    )
    await hammer(guarded)
    form = {"username": "johndoe", "password": PASSWORD}
    assert (await guarded.http.post("/token", data=form)).status_code == 429
    assert (await guarded.http.post("/token", data=form, headers=cookie)).status_code == 200


async def test_ac11_a_change_of_password_has_its_places_among_the_accounts_attempts(guarded: Api) -> None:
    tokens = await guarded.log_in()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    change = {"current_password": WRONG, "password": "a wholly other password"}

    answers = [await guarded.http.post("/users/me/password", json=change, headers=bearer) for _ in range(FREE + 1)]

    assert [answer.status_code for answer in answers] == [403] * FREE + [429]
    require_problem(answers[-1], 429, "too_many_failures")
    require_problem(await guess(guarded, password=PASSWORD), 429, "too_many_failures")


async def test_ac12_a_refusal_is_cheap_and_hashes_nothing(clock: FakeClock) -> None:
    # At 256 MiB a hash takes a tenth of a second and more: nothing that hashes is as fast as this.
    async with throttled(clock, argon2_memory=262144, limit_sign_up="1/1h/address") as api:
        await api.sign_up()
        for _ in range(FREE):
            await guess(api)

        async def log_in() -> httpx2.Response:
            return await guess(api, password=PASSWORD)

        for ask in (log_in, api.sign_up):
            took = []
            for _ in range(30):
                began = time.process_time()
                answer = await ask()
                took.append(time.process_time() - began)
                assert answer.status_code == 429
                assert int(answer.headers["Retry-After"]) >= 1
            assert statistics.median(took) < 0.02


async def test_ac10_bad_refresh_tokens_are_counted_by_address_and_log_ins_go_on(guarded: Api) -> None:
    await guarded.sign_up()
    tokens = (await guess(guarded, password=PASSWORD)).json()
    failed = [await guarded.refresh(FORGED) for _ in range(60)]

    refused = [await guarded.refresh(FORGED), await guarded.token(grant_type="refresh_token", refresh_token=FORGED)]

    assert {answer.status_code for answer in failed} == {401}
    for answer in refused:
        require_problem(answer, 429, "too_many_requests")
    assert (await guess(guarded, password=PASSWORD)).status_code == 200
    elsewhere = {"X-Forwarded-For": "203.0.113.7"}
    assert (await guarded.http.post("/refresh", json={"refresh_token": FORGED}, headers=elsewhere)).status_code == 401
    # A neighbour behind the same address, who sent nothing but what is good.
    tokens = (await guarded.refresh(tokens["refresh_token"])).json()
    assert (await guarded.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])).status_code == 200


async def test_good_refresh_tokens_are_not_counted(clock: FakeClock) -> None:
    async with throttled(clock, limit_refresh_failures="1/1h/address") as api:
        tokens = await api.log_in()

        for _ in range(20):
            tokens = (await api.refresh(tokens["refresh_token"])).json()

        assert (await api.me(tokens["access_token"])).status_code == 200


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
async def test_questions_about_tokens_are_limited_by_address(clock: FakeClock, path: str) -> None:
    async with throttled(clock, limit_introspection="3/1m/address") as api:
        secret = await api.use_cases[AddClient](id=ClientId("billing"))

        answers = [await api.http.post(path, data={"token": FORGED}, auth=("billing", secret.text)) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    require_problem(answers[-1], 429, "too_many_requests")


async def test_ac09_parallel_correct_logins(guarded: Api) -> None:
    await guarded.sign_up()

    answers = await asyncio.gather(*(guess(guarded, password=PASSWORD, address=f"203.0.113.{n}") for n in range(20)))

    assert Counter(answer.status_code for answer in answers) == {200: 20}


async def test_ac08_parallel_guesses(guarded: Api) -> None:
    await guarded.sign_up()

    answers = await asyncio.gather(*(guess(guarded, address=f"203.0.113.{n}") for n in range(50)))

    assert Counter(answer.status_code for answer in answers) == {401: FREE, 429: 50 - FREE}


class _Away:
    """The counts, out of reach."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise StoreUnavailable

        return fail


async def test_rl12_while_the_counts_are_away_log_in_works_within_limits(guarded: Api) -> None:
    await guarded.sign_up()
    guarded.container.adapters.throttle()._shared = _Away()

    right = [await guess(guarded, password=PASSWORD) for _ in range(3)]
    wrong = [await guess(guarded) for _ in range(10)]
    signed_up = [await guarded.sign_up(username=f"user{number}") for number in range(12)]

    assert [answer.status_code for answer in right] == [200] * 3
    assert Counter(answer.status_code for answer in wrong) == {401: FREE, 429: 10 - FREE}
    assert Counter(answer.status_code for answer in signed_up) == {201: 9, 429: 3}


async def test_pages_of_other_origins_can_read_when_to_come_again(clock: FakeClock) -> None:
    async with throttled(clock, limit_sign_up="1/1h/address", cors_origins=("https://app.example.com",)) as api:
        await api.sign_up()

        answer = await api.http.post("/signup", json=SIGN_UP, headers={"Origin": "https://app.example.com"})

    assert answer.status_code == 429
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert {"Retry-After", "RateLimit"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
