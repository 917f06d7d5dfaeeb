"""What /openapi.json says of each route. tests/test_documents.py holds the file in the repository to it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from domain.errors import Refusal
from domain.throttle import Limit, TooManyRequests
from entrypoints.http.app import ROUTERS, create_app
from entrypoints.http.problems import STATUS, of_refusal

MINUTE = timedelta(minutes=1)
DESCRIBED = create_app({}).openapi()
OPERATIONS = [(f"{method} {path}", operation) for path, of in DESCRIBED["paths"].items() for method, operation in of.items()]

every_operation = pytest.mark.parametrize("operation", [each for _, each in OPERATIONS], ids=[name for name, _ in OPERATIONS])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = DESCRIBED["components"]["schemas"][name] if name else schema
    return found


def shows_an_example(content: dict[str, Any]) -> bool:
    schema = resolved(content["schema"])
    members = schema.get("properties", {})
    asked = [members[name] for name in schema.get("required", members)]
    return bool(
        {"example", "examples"} & (content.keys() | schema.keys())
        or (asked and all({"examples", "const", "enum", "default"} & member.keys() for member in asked))
    )


@every_operation
def test_every_route_has_a_name_of_its_own_a_summary_and_a_tag_that_is_explained(operation: dict[str, Any]) -> None:
    explained = {tag["name"] for tag in DESCRIBED["tags"] if tag["description"]}

    assert operation["operationId"].isidentifier()
    assert operation["summary"]
    assert set(operation["tags"]) <= explained
    assert operation["tags"]


def test_the_names_of_routes_are_stable() -> None:
    names = Counter(operation["operationId"] for _, operation in OPERATIONS)

    assert set(names.values()) == {1}
    assert names.keys() >= {
        "sign_up",
        "get_current_user",
        "log_in",
        "refresh",
        "log_out",
        "get_key_set",
        "check_liveness",
        "check_readiness",
    }


def test_every_router_is_described() -> None:
    routed = {route.path_format for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}

    assert routed == set(DESCRIBED["paths"])


@every_operation
def test_every_body_and_every_answer_is_shown_by_an_example(operation: dict[str, Any]) -> None:
    asked = operation.get("requestBody", {}).get("content", {})
    answered = {
        f"{status} {media_type}": content
        for status, answer in operation["responses"].items()
        for media_type, content in answer.get("content", {}).items()
    }

    assert [name for name, content in {**asked, **answered}.items() if not shows_an_example(content)] == []


@every_operation
def test_ht08_every_refusal_is_a_problem_or_an_error_of_oauth_and_names_its_codes(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            if int(status) < 400:
                continue
            schema = content["schema"]["$ref"].rpartition("/")[2]
            assert (media_type, schema) in {("application/problem+json", "Problem"), ("application/json", "OAuthError")}
            for code, example in content["examples"].items():
                assert example["value"]["code"] == code
                assert example["value"].get("status", int(status)) == int(status)


@every_operation
def test_what_asks_for_a_token_says_so(operation: dict[str, Any]) -> None:
    for scheme in operation.get("security", []):
        assert set(scheme) <= DESCRIBED["components"]["securitySchemes"].keys()
    if "security" in operation:
        assert "401" in operation["responses"]


@every_operation
def test_ac12_every_429_and_503_says_when_to_come_again(operation: dict[str, Any]) -> None:
    told = {status: set(answer.get("headers", {})) for status, answer in operation["responses"].items()}

    assert told.get("429", {"RateLimit", "RateLimit-Policy", "Retry-After"}) == {"RateLimit", "RateLimit-Policy", "Retry-After"}
    assert "Retry-After" in told.get("503", {"Retry-After"})


@pytest.mark.parametrize("refusal", [refusal for refusal, status in STATUS.items() if status in {429, 503}])
def test_ac12_every_refusal_that_passes_says_when_to_come_again(refusal: type[Refusal]) -> None:
    made = refusal("log_in", Limit(1, MINUTE), MINUTE) if refusal is TooManyRequests else refusal()

    assert int(of_refusal(made).headers["Retry-After"]) >= 1
