"""What a type checker cannot see of the container and the routes."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from dependency_injector import providers
from fastapi.routing import APIRoute
from pydantic import SecretStr

import application
from entrypoints.container.adapters import Adapters
from entrypoints.container.root import CAPABILITIES, build, use_cases_of
from entrypoints.http.app import ROUTERS
from entrypoints.http.inject import FoundFirst, Made
from entrypoints.http.strict import StrictRoute
from entrypoints.settings import Settings
from tests.examples import SECRET

WIRED: list[tuple[type, str, Any]] = [
    (capability, name, provider)
    for capability in CAPABILITIES
    for name, provider in capability.providers.items()
    if name != "adapters"
]
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def _settings() -> Settings:
    return Settings(env="development", database_url=SecretStr("memory://"), secret_key=SecretStr(SECRET)).with_defaults()


def _use_case_classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(application.__path__, "application."):
        if module.name.startswith("application.ports") or module.ispkg:
            continue
        loaded = importlib.import_module(module.name)
        yield from (
            thing
            for _, thing in inspect.getmembers(loaded, inspect.isclass)
            if thing.__module__ == module.name and "__call__" in vars(thing)
        )


def _promised(container: type) -> dict[str, type]:
    """What each provider is annotated with. Read from the source: at run time `Provider[Store]` is `Provider`."""
    names = vars(importlib.import_module(container.__module__))
    body = ast.parse(textwrap.dedent(inspect.getsource(container))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        line.target.id: names[line.annotation.slice.id]
        for line in body.body
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and isinstance(line.annotation, ast.Subscript)
        and isinstance(line.annotation.slice, ast.Name)
    }


def test_every_use_case_is_wired_once() -> None:
    wired = [provider.provides for _, _, provider in WIRED]

    assert sorted(wired, key=str) == sorted(_use_case_classes(), key=str)
    assert set(use_cases_of(build(_settings()))) == set(wired)


@pytest.mark.parametrize(("capability", "name", "provider"), WIRED, ids=[name for _, name, _ in WIRED])
def test_every_keyword_is_named_as_its_provider_and_is_its_port(capability: type, name: str, provider: Any) -> None:
    fields = {field.name: field.type for field in dataclasses.fields(provider.provides)}
    ports = _promised(Adapters)

    assert _promised(capability)[name] is provider.provides
    assert provider.kwargs.keys() == fields.keys()
    for keyword, given in provider.kwargs.items():
        assert ports[keyword] is fields[keyword], keyword
        assert given is getattr(capability.adapters, keyword)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name in Adapters.providers if name != "settings"])
def test_every_provider_resolves_to_a_singleton(name: str) -> None:
    container = build(_settings())

    first = getattr(container.adapters, name)()

    assert first is not None
    assert getattr(container.adapters, name)() is first
    assert isinstance(Adapters.providers[name], providers.Singleton)


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_every_route_asks_for_the_use_case_it_names(route: APIRoute) -> None:
    hints = get_type_hints(route.endpoint, include_extras=True)

    for hint in hints.values():
        for asked in (extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Made)):
            promised = getattr(asked.of, "__annotations__", {}).get("use_case")
            assert promised is None or promised is get_args(hint)[0]


@pytest.mark.parametrize("route", ROUTES, ids=[route.path for route in ROUTES])
def test_no_route_takes_what_it_is_handed_from_what_was_sent(route: APIRoute) -> None:
    hints = get_type_hints(route.endpoint, include_extras=True)
    handed = {
        name
        for name, hint in hints.items()
        if any(isinstance(extra, (Made, FoundFirst)) for extra in getattr(hint, "__metadata__", ()))
    }
    dependant = route.dependant
    sent = [*dependant.path_params, *dependant.query_params, *dependant.header_params, *dependant.body_params]

    assert isinstance(route, StrictRoute)
    assert handed.isdisjoint(field.name for field in sent)


def test_two_containers_share_nothing() -> None:
    one, other = build(_settings()), build(_settings())

    assert one.adapters.store() is not other.adapters.store()
