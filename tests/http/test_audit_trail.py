"""Every act is in the audit trail: who, what, by which request, from where."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from application.audit.enter_trips import EnterTrips
from application.clients.add_client import AddClient
from application.clients.remove_client import RemoveClient
from application.directory.disable_user import DisableUser
from application.directory.enable_user import EnableUser
from application.directory.unlock_user import UnlockUser
from application.keys.compromise_signing_key import CompromiseSigningKey
from application.keys.rotate_signing_key import RotateSigningKey
from application.ports.audit import Wanted
from domain.audit import Action, Agent, Outcome, Recorded
from domain.client import ClientId
from domain.username import Username
from tests.examples import PASSWORD
from tests.fakes import FakeClock
from tests.http.api import SIGN_UP, Api, an_api

NEW_PASSWORD = "another horse battery staple"


async def _entries(api: Api) -> Sequence[Recorded]:
    async with api.store.begin() as work:
        found: Sequence[Recorded] = await work.audit.find(Wanted(), limit=100)
    return found[::-1]


async def _newest(api: Api) -> Recorded:
    return (await _entries(api))[-1]


def _bearer(tokens: dict[str, Any], request_id: str = "r-1") -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}", "X-Request-ID": request_id, "User-Agent": "tested"}


async def _failures(api: Api) -> list[tuple[Action, bool, str | None]]:
    async with api.store.begin() as work:
        waiting = (await work.audit.take_failures(most=100)).failures
    return [(one.failure.action, one.failure.user_id is not None, one.failure.origin.request_id) for one in waiting]


async def test_ks08_each_act_of_a_user_leaves_one_entry_about_who_and_where(api: Api) -> None:
    acts: list[Recorded] = []
    before = len(await _entries(api))  # the first signing key

    async def done(answer: Any, status: int) -> Recorded:
        assert answer.status_code == status, answer.text
        entries = await _entries(api)
        assert len(entries) == before + len(acts) + 1
        acts.append(entries[-1])
        return entries[-1]

    async def log_in(name: str) -> dict[str, Any]:
        form = {"username": "johndoe", "password": PASSWORD}
        answer = await api.http.post("/token", data=form, headers={"X-Request-ID": name, "User-Agent": "tested"})
        await done(answer, 200)
        tokens: dict[str, Any] = answer.json()
        return tokens

    signed_up = await api.http.post("/signup", json=SIGN_UP, headers={"X-Request-ID": "signing-up", "User-Agent": "tested"})
    await done(signed_up, 201)
    tokens, others = await log_in("login-1"), [await log_in(f"login-{number}") for number in (2, 3, 4, 5)]
    sessions = (await api.http.get("/users/me/sessions", headers=_bearer(tokens))).json()["sessions"]
    ended = sessions[0]["id"]
    await done(await api.http.delete(f"/users/me/sessions/{ended}", headers=_bearer(tokens, "revoke")), 204)
    await done(await api.http.post("/logout", headers=_bearer(others[2], "logout")), 204)
    change = {"current_password": PASSWORD, "password": NEW_PASSWORD}
    await done(await api.http.post("/users/me/password", json=change, headers=_bearer(tokens, "change")), 204)
    await done(await api.http.delete("/users/me/sessions", headers=_bearer(tokens, "others")), 204)
    everything = {"including_current": "true"}
    await done(await api.http.delete("/users/me/sessions", params=everything, headers=_bearer(tokens, "all")), 204)

    assert [one.entry.action for one in acts] == [
        Action.SIGN_UP,
        *[Action.LOGIN] * 5,
        Action.SESSION_REVOKE,
        Action.LOGOUT,
        Action.PASSWORD_CHANGE,
        *[Action.SESSION_REVOKE] * 2,
    ]
    assert {(one.entry.by, one.entry.outcome) for one in acts} == {(Agent.USER, Outcome.DONE)}
    assert {str(one.entry.user_id) for one in acts} == {signed_up.json()["id"]}
    assert [one.detail and one.detail.origin.request_id for one in acts] == [
        *("signing-up", "login-1", "login-2", "login-3", "login-4", "login-5"),
        *("revoke", "logout", "change", "others", "all"),
    ]
    assert {one.detail and str(one.detail.origin.address) for one in acts} == {"127.0.0.1"}
    assert {one.detail and one.detail.origin.user_agent for one in acts} == {"tested"}
    assert [one.entry.target for one in acts[6:]] == [ended, None, None, "others", "all"]
    assert all(one.entry.session_id for one in acts[1:])


async def test_ks08_failed_log_ins_wait_for_their_entry_and_no_name_that_was_typed_is_kept(api: Api) -> None:
    await api.sign_up()

    await api.token(username="johndoe", password="wrong, and long enough")
    await api.token(username="typed-by-mistake", password="wrong, and long enough")

    [(first, known, request_id), (second, other_known, _)] = await _failures(api)
    assert (first, known, second, other_known) == (Action.LOGIN, True, Action.LOGIN, False)
    assert request_id
    async with api.store.begin() as work:
        assert "typed-by-mistake" not in repr(await work.audit.take_failures(most=10))


async def test_a_wrong_current_password_counts_as_a_failure_too(api: Api) -> None:
    tokens = await api.log_in()
    change = {"current_password": "wrong, and long enough", "password": NEW_PASSWORD}

    answer = await api.http.post("/users/me/password", json=change, headers=_bearer(tokens, "guess"))

    assert answer.status_code == 403
    assert await _failures(api) == [(Action.PASSWORD_CHANGE, True, "guess")]


async def test_ks08_a_reused_refresh_token_is_entered_with_its_session(api: Api) -> None:
    first = await api.log_in()
    second = (await api.refresh(first["refresh_token"])).json()
    await api.refresh(second["refresh_token"])

    answer = await api.http.post("/refresh", json={"refresh_token": first["refresh_token"]}, headers={"X-Request-ID": "thief"})

    newest = await _newest(api)
    assert answer.status_code == 401
    assert (newest.entry.action, newest.entry.by, newest.entry.outcome) == (
        Action.REFRESH_REUSE,
        Agent.UNKNOWN,
        Outcome.REFUSED,
    )
    assert newest.detail is not None
    assert newest.detail.origin.request_id == "thief"


async def test_one_session_too_many_is_entered_with_the_log_in(api: Api) -> None:
    await api.log_in()
    for _ in range(100):
        await api.token(username="johndoe", password=PASSWORD)

    entries = await _entries(api)

    assert [one.entry.action for one in entries[-2:]] == [Action.LOGIN, Action.SESSION_LIMIT]
    assert entries[-1].entry.by is Agent.SERVICE


async def test_ks08_each_act_of_the_operator_leaves_an_entry(api: Api) -> None:
    await api.sign_up()
    use, before = api.use_cases, len(await _entries(api))

    await use[DisableUser](username=Username("johndoe"))
    await use[EnableUser](username=Username("johndoe"))
    await use[UnlockUser](username=Username("johndoe"))
    await use[AddClient](id=ClientId("billing"))
    await use[RemoveClient](id=ClientId("billing"))
    key = await use[RotateSigningKey]()
    await use[CompromiseSigningKey](kid=key.kid)

    entries = (await _entries(api))[before:]
    assert [(one.entry.action, one.entry.by, one.entry.target) for one in entries] == [
        (Action.USER_DISABLE, Agent.OPERATOR, None),
        (Action.USER_ENABLE, Agent.OPERATOR, None),
        (Action.USER_UNLOCK, Agent.OPERATOR, None),
        (Action.CLIENT_ADD, Agent.OPERATOR, "billing"),
        (Action.CLIENT_REMOVE, Agent.OPERATOR, "billing"),
        (Action.KEY_ROTATE, Agent.OPERATOR, key.kid),
        (Action.KEY_COMPROMISE, Agent.OPERATOR, key.kid),
    ]
    assert [one.entry.user_id is not None for one in entries] == [True, True, True, False, False, False, False]
    assert {one.detail for one in entries} == {None}


async def test_a_token_that_a_client_revokes_is_entered_with_the_client(api: Api) -> None:
    tokens = await api.log_in()
    secret = await api.use_cases[AddClient](id=ClientId("billing"))

    await api.http.post("/revoke", data={"token": tokens["refresh_token"]}, auth=("billing", secret.text))

    newest = await _newest(api)
    assert (newest.entry.action, newest.entry.by, newest.entry.client) == (Action.TOKEN_REVOKE, Agent.CLIENT, "billing")
    assert newest.entry.user_id is not None
    assert newest.entry.session_id is not None


async def test_what_is_refused_or_changes_nothing_leaves_no_entry_of_having_been_done(api: Api) -> None:
    tokens = await api.log_in()
    await api.http.post("/logout", headers=_bearer(tokens))
    before = len(await _entries(api))

    await api.http.post("/logout", headers=_bearer(tokens))
    await api.sign_up()
    await api.http.delete("/users/me/sessions", headers=_bearer(tokens))

    assert len(await _entries(api)) == before


async def test_ks08_what_a_limit_refused_is_entered_once_for_many_and_no_refusal_writes(clock: FakeClock) -> None:
    async with an_api(throttle="on", clock=clock, trusted_proxies="127.0.0.1/32") as api:
        await api.sign_up()
        own = {"X-Forwarded-For": "203.0.113.7"}
        session = (await api.http.post("/token", data={"username": "johndoe", "password": PASSWORD}, headers=own)).json()

        async def guess(password: str, name: str = "johndoe") -> int:
            headers = {"X-Forwarded-For": "198.51.100.7", "X-Request-ID": "guess"}
            form = {"username": name, "password": password}
            return int((await api.http.post("/token", data=form, headers=headers)).status_code)

        guesses = [await guess("wrong, and long enough") for _ in range(5)]
        before = len(await _entries(api))
        refused = [await guess(PASSWORD) for _ in range(40)]
        change = {"current_password": PASSWORD, "password": NEW_PASSWORD}
        changing = await api.http.post("/users/me/password", json=change, headers=_bearer(session) | own)
        unwritten = len(await _entries(api)) - before
        await api.use_cases[EnterTrips]()
        at_once = (await _entries(api))[before:]
        refused += [await guess(PASSWORD) for _ in range(10)]
        await api.use_cases[EnterTrips]()
        meanwhile = len(await _entries(api)) - before
        clock.advance(timedelta(minutes=1))
        await api.use_cases[EnterTrips]()
        entries = (await _entries(api))[before:]
        activity = (await api.http.get("/users/me/activity", headers=_bearer(session))).json()["activity"]

    assert (guesses, set(refused), changing.status_code) == ([401] * 5, {429}, 429)
    assert (unwritten, len(at_once), meanwhile) == (0, 2, 2)
    assert [(one.entry.times, one.entry.target) for one in entries] == [(40, "account"), (1, "account"), (10, "account")]
    first = entries[0]
    assert (first.entry.action, first.entry.outcome, first.entry.by) == (Action.THROTTLE, Outcome.REFUSED, Agent.UNKNOWN)
    assert first.entry.user_id is not None
    assert first.detail is not None
    assert (str(first.detail.origin.address), first.detail.origin.request_id) == ("198.51.100.7", "guess")
    assert [one["times"] for one in activity if one["action"] == "throttle"] == [10, 1, 40]


async def test_ks08_a_refusal_for_an_unknown_name_or_by_address_alone_is_entered_without_a_user(
    clock: FakeClock,
) -> None:
    async with an_api(throttle="on", clock=clock) as api:
        for _ in range(7):
            await api.token(username="nobody", password="hunter2 hunter2 hunter2")
        for number in range(12):
            await api.sign_up(username=f"user{number}")
        await api.use_cases[EnterTrips]()
        entries = [one.entry for one in await _entries(api) if one.entry.action is Action.THROTTLE]

    assert [(one.target, one.times, one.user_id) for one in entries] == [("account", 2, None), ("sign_up", 2, None)]
