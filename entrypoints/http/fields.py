"""Members of bodies, parsed into domain values."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from domain.email import EmailAddress
from domain.password import MOST_CHARACTERS, PlainPassword
from domain.username import Username
from entrypoints.email import parse_email

T = TypeVar("T")


class _ParsedText:
    """Text in JSON, a domain value in Python; a refusal becomes the member's error."""

    def __init__(self, parse: Callable[[str], Any], schema: JsonSchemaValue) -> None:
        self._parse = parse
        self._schema = schema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_after_validator_function(self._parse, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del schema, handler
        return {"type": "string", **self._schema}


UsernameField = Annotated[
    Username, _ParsedText(Username.parse, {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "examples": ["johndoe"]})
]
EmailField = Annotated[
    EmailAddress, _ParsedText(parse_email, {"format": "email", "maxLength": 254, "examples": ["johndoe@example.com"]})
]
PasswordField = Annotated[
    PlainPassword,
    _ParsedText(
        PlainPassword.parse,
        {
            "format": "password",
            "minLength": 1,
            "maxLength": MOST_CHARACTERS,
            "description": "At least 15 characters, unless the operator asks for another length.",
            "examples": ["correct horse battery staple"],
        },
    ),
]
