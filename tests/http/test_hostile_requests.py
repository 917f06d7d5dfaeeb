"""Every route, against everything that nobody should send. A new route is among them by being described."""

import json
import re
from urllib.parse import urlencode

import pytest

from domain.username import Username
from tests.http import hostile
from tests.http.api import SIGN_UP, Api, an_api
from tests.http.hostile import MARK
from tests.http.operations import FORM, JSON, SOME_ID, Answer, Operation, ask, operations

OPERATIONS = operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.bodies]
WITH_JSON = [operation for operation in OPERATIONS if JSON in operation.bodies]
WITH_FORM = [operation for operation in OPERATIONS if FORM in operation.bodies]

every_route = pytest.mark.parametrize("operation", OPERATIONS, ids=str)
every_route_with_a_body = pytest.mark.parametrize("operation", WITH_BODY, ids=str)
every_route_with_json = pytest.mark.parametrize("operation", WITH_JSON, ids=str)
every_route_with_a_form = pytest.mark.parametrize("operation", WITH_FORM, ids=str)
OF_CLIENTS = {"/introspect", "/revoke"}  # who asks is told before what is wrong with the form


class Asked:
    """Asks, and remembers what is wrong with the answers, so that a test names every input that fails."""

    def __init__(self, api: Api, operation: Operation) -> None:
        self._api = api
        self._operation = operation
        self._token = ""
        self.wrong: list[tuple[object, ...]] = []
        self.answered = 0

    async def _bearer(self) -> bytes:
        if not self._token:
            self._token = (await self._api.log_in())["access_token"]
        return f"Bearer {self._token}".encode()

    async def __call__(
        self,
        *,
        headers: list[tuple[bytes, bytes]] | None = None,
        content: bytes | None = None,
        query: bytes = b"",
        statuses: set[int] | None = None,
    ) -> Answer:
        operation = self._operation
        target = operation.target + (b"?" + query if query else b"")
        if operation.bodies and operation.path.startswith("/users/me"):  # else the answer is that nobody is known
            headers = [*(headers or []), (b"authorization", await self._bearer())]
        answer = await ask(self._api.app, operation.method, target, headers, content)
        self.answered += 1
        sent = (headers, (content or b"")[:60], query[:60])
        if answer.status >= 500:
            self.wrong.append(("broken", answer.status, *sent))
        if not operation.documents(answer):
            self.wrong.append(("not documented", answer.status, answer.media_type, *sent))
        if MARK.encode() in answer.body or any(MARK.encode() in name + value for name, value in answer.headers):
            self.wrong.append(("echoed", answer.body, *sent))
        if statuses is not None and answer.status not in statuses:
            self.wrong.append(("another status", answer.status, answer.body, *sent))
        return answer


def content_type(media_type: str | bytes) -> tuple[bytes, bytes]:
    return b"content-type", media_type.encode() if isinstance(media_type, str) else media_type


def encoded(media_type: str, body: dict[str, object]) -> bytes:
    return json.dumps(body).encode() if media_type == JSON else urlencode(body, errors="surrogatepass").encode()


def test_the_table_is_long_and_covers_every_route() -> None:
    everything = [value for name, value in vars(hostile).items() if name.isupper() and isinstance(value, list)]

    assert sum(len(each) for each in everything) > 300
    assert len(OPERATIONS) >= 7
    assert {str(operation) for operation in WITH_JSON} >= {"POST /signup", "POST /refresh", "POST /logout"}
    assert {str(operation) for operation in WITH_FORM} >= {"POST /token", "POST /refresh", "POST /logout"}


# Bodies


@every_route_with_json
async def test_ht05_ht08_what_is_no_plain_json_object_is_refused_and_not_repeated(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)

    for content in hostile.BODIES_AS_JSON:
        await asked(headers=[content_type(JSON)], content=content, statuses={400, 422})

    assert asked.wrong == []


@every_route_with_json
async def test_ht05_a_member_that_is_not_known_is_422(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)
    sound = operation.bodies[JSON]

    for name in ("is_admin", "Password", "", "__proto__", "user_id"):
        answer = await asked(headers=[content_type(JSON)], content=encoded(JSON, {**sound, name: MARK}), statuses={422})
        assert b"extra_forbidden" in answer.body

    assert asked.wrong == []


@every_route_with_a_form
async def test_ht06_ht08_what_is_no_plain_form_is_refused_and_not_repeated(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)

    for content in hostile.BODIES_AS_FORM:
        await asked(
            headers=[content_type(FORM)], content=content, statuses={400, 422, *([401] if operation.path in OF_CLIENTS else [])}
        )

    assert asked.wrong == []


@every_route_with_a_form
async def test_ht06_more_than_twenty_fields_are_refused(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)
    twenty = "&".join(f"f{number}=x" for number in range(20)).encode()

    await asked(headers=[content_type(FORM)], content=twenty + b"&f20=x", statuses={400})
    answer = await asked(headers=[content_type(FORM)], content=twenty, statuses={401 if operation.path in OF_CLIENTS else 422})

    assert (b"invalid_client" if operation.path in OF_CLIENTS else b"validation_failed") in answer.body
    assert asked.wrong == []


@every_route_with_a_body
async def test_ht07_another_media_type_is_415(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)

    for media_type, body in operation.bodies.items():
        content = encoded(media_type, body)
        for another in [*hostile.MEDIA_TYPES, *({JSON.encode(), FORM.encode()} - {each.encode() for each in operation.bodies})]:
            await asked(headers=[content_type(another)], content=content, statuses={415})
        await asked(content=content, statuses={415})
        await asked(headers=[content_type(media_type)] * 2, content=content, statuses={415})

    assert asked.wrong == []


@every_route_with_a_body
async def test_ht07_a_compressed_body_is_415(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)

    for media_type, body in operation.bodies.items():
        for coding in hostile.CONTENT_CODINGS:
            headers = [content_type(media_type), (b"content-encoding", coding)]
            await asked(headers=headers, content=encoded(media_type, body), statuses={415})

    assert asked.wrong == []


@every_route_with_a_body
async def test_ht05_ht06_ht08_text_in_any_member_is_answered_as_documented_and_not_repeated(operation: Operation) -> None:
    async with an_api() as api:
        asked = Asked(api, operation)
        for media_type, body in operation.bodies.items():
            for name in body:
                for text in hostile.TEXT:
                    await asked(headers=[content_type(media_type)], content=encoded(media_type, {**body, name: text}))

        # What was taken is shown to its owner: a name and an address, which are no more than ASCII and as they were sent.
        assert [wrong for wrong in asked.wrong if not (str(operation) == "POST /signup" and wrong[0] == "echoed")] == []


@every_route_with_json
async def test_ht05_ac05_anything_but_text_in_any_member_is_422(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)

    body = operation.bodies[JSON]
    for name in body:
        for value in hostile.VALUES:
            content = json.dumps({**body, name: value}).encode()
            await asked(headers=[content_type(JSON)], content=content, statuses={422} if value != 10**400 else {422, 400})

    assert asked.wrong == []


@every_route_with_json
async def test_ac05_a_member_that_is_not_asked_for_is_422(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)
    more = [
        "id",
        "is_admin",
        "role",
        "roles",
        "disabled_at",
        "email_verified",
        "email_verified_at",
        "generation",
        "password_hash",
    ]
    more += ["__proto__", "constructor", "__class__", "self", "Username", "username ", "", MARK, "user.id", "registered_at"]

    for name in more:
        content = json.dumps({**operation.bodies[JSON], name: MARK}).encode()
        await asked(headers=[content_type(JSON)], content=content, statuses={422})

    assert asked.wrong == []


# Heads


@every_route
async def test_ht08_absurd_headers_are_answered_as_documented_and_not_repeated(api: Api, operation: Operation) -> None:
    asked = Asked(api, operation)
    media_type, body = next(iter(operation.bodies.items()), (JSON, {}))

    for headers in hostile.HEADERS:
        await asked(headers=headers)
        if operation.bodies:
            await asked(headers=[content_type(media_type), *headers], content=encoded(media_type, body))

    assert asked.wrong == []


@every_route
async def test_ht08_absurd_queries_are_answered_as_documented_and_not_repeated(
    api: Api, lenient_api: Api, operation: Operation
) -> None:
    for each in (api, lenient_api):
        asked = Asked(each, operation)
        for query in hostile.QUERIES:
            await asked(query=query)

        assert asked.wrong == []


@every_route
async def test_ht08_a_body_that_nobody_asked_for_changes_nothing(api: Api, operation: Operation) -> None:
    if operation.bodies:
        return
    asked = Asked(api, operation)
    without = await asked()

    for content in [*hostile.BODIES_AS_JSON, *hostile.BODIES_AS_FORM]:
        answer = await asked(headers=[content_type(JSON)], content=content)
        assert (answer.status, _but_for_the_time(answer.body)) == (without.status, _but_for_the_time(without.body))

    assert asked.wrong == []


@every_route
async def test_ht08_a_caller_who_is_let_in_gets_no_further_with_absurd_requests(api: Api, operation: Operation) -> None:
    if not operation.secured:
        return
    asked = Asked(api, operation)
    tokens = await api.log_in()
    bearer = (b"authorization", b"Bearer " + tokens["access_token"].encode())

    for query in hostile.QUERIES:
        await asked(headers=[bearer], query=query)
    for content in hostile.BODIES_AS_JSON:
        await asked(headers=[bearer, content_type(JSON)], content=content)

    assert asked.wrong == []


# Paths and methods


@every_route
async def test_ht14_a_path_has_one_spelling(api: Api, operation: Operation) -> None:
    path = operation.target
    after = [b"/", b"//", b"/.", b"/..", b"%20", b"%00", b"%0a", b"%0d", b";a=b", b".json", b"%2f", b"%e2%80%8b"]
    before = [b"/", b"/.", b"\\", b"/x/..", b"/%2f", b"/%20"]
    others = [*(path + end for end in after), *(start + path for start in before)]
    others += [path.upper(), path.replace(b"/", b"//"), path.replace(b"/", b"%5c"), path[1:], b"", b"*"]

    for other in others:
        answer = await ask(api.app, operation.method, other)

        assert (answer.status, answer.media_type) == (404, "application/problem+json"), other


@every_route
async def test_ht14_a_letter_that_is_percent_encoded_is_that_letter(api: Api, operation: Operation) -> None:
    path = operation.target
    as_hex = b"/" + b"".join(b"%%%02x" % letter for letter in path[1:2]) + path[2:]

    plain, spelled = await ask(api.app, operation.method, path), await ask(api.app, operation.method, as_hex)

    assert (spelled.status, spelled.body) == (plain.status, plain.body)


@every_route
async def test_ht08_anything_in_a_path_is_answered_as_documented_and_not_repeated(api: Api, operation: Operation) -> None:
    path = operation.target.replace(SOME_ID.encode(), b"\x00")

    for text in hostile.IN_PATHS:
        target = path.replace(b"\x00", text) if b"\x00" in path else path + b"/" + text
        answer = await ask(api.app, operation.method, target)

        assert answer.status in {404, 405} or operation.documents(answer), (target, answer)  # 405: a path of another route
        assert answer.status < 500, target
        assert MARK.encode() not in answer.body, target


@every_route
async def test_ht14_another_method_is_405_and_told_which_there_are(api: Api, operation: Operation) -> None:
    known = {each.method for each in OPERATIONS if each.path == operation.path}

    for method in set(hostile.METHODS) - known:
        answer = await ask(api.app, method, operation.target)

        assert (answer.status, answer.media_type) == (405, "application/problem+json"), method
        assert answer.header(b"allow") == ", ".join(sorted(known)).encode(), method
        assert MARK.encode() not in answer.body, method


# Names


@pytest.mark.parametrize("text", hostile.TEXT, ids=lambda text: ascii(text)[:40])
async def test_ac01_a_name_is_ascii_or_refused_whatever_it_looks_like(api: Api, text: str) -> None:
    answer = await api.sign_up(username=text)

    if answer.status_code == 201:
        shown = answer.json()["username"]
        assert shown == text
        assert shown.isascii()
        assert Username(shown).key.isascii()
    else:
        assert answer.status_code in {400, 422}


@pytest.mark.parametrize("text", hostile.TEXT, ids=lambda text: ascii(text)[:40])
async def test_ac01_a_name_that_looks_like_another_does_not_log_in_as_it(api: Api, text: str) -> None:
    for name in ("kelvin", "admin1", "sam", "istanbul", "johndoe"):
        await api.sign_up(username=name)
    looks_like = text.replace(MARK, "")

    answer = await api.token(username=looks_like or "?", password=SIGN_UP["password"])

    assert answer.status_code in {400, 401, 413, 422}


def _but_for_the_time(body: bytes) -> bytes:
    return re.sub(rb'"now":\d+', b'"now":0', body)
