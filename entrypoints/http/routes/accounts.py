"""Accounts: signing up, and one's own account."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from application.accounts.get_current_user import GetCurrentUser
from application.accounts.register_user import RegisterUser
from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.password import PasswordBreached, PasswordCommon, PasswordPersonal, PasswordPredictable, PasswordTooShort
from domain.user import User, UsernameTaken
from entrypoints.http.actor import CurrentActor
from entrypoints.http.documented import (
    INVALID_BODY,
    NOT_JSON,
    OVERLOADED,
    STORAGE_UNAVAILABLE,
    TOO_MANY_SIGN_UPS,
    WRONG_MEDIA_TYPE,
    answers,
)
from entrypoints.http.fields import EmailField, PasswordField, UsernameField
from entrypoints.http.inject import use
from entrypoints.http.origin import RequestOrigin
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


_EXAMPLE: dict[str, Any] = {"id": "01a20e6c-ae10-77cc-8912-62dd01a7275a", "username": "johndoe", "email": "johndoe@example.com"}


class SignUp(BaseModel):
    model_config = ConfigDict(extra="forbid")

    username: UsernameField
    email: EmailField
    password: PasswordField


class UserOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID = Field(description="The same value as `sub` of the user's access tokens.")
    username: str
    email: str

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(id=user.id, username=user.username.shown, email=user.email.text)


class CurrentUserOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_EXAMPLE, "email_verified": False, "created_at": "2026-11-24T16:38:53.302148Z"}]}
    )

    id: UUID
    username: str
    email: str
    email_verified: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            username=user.username.shown,
            email=user.email.text,
            email_verified=user.email_verified_at is not None,
            created_at=user.registered_at,
        )


@router.post(
    "/signup",
    status_code=HTTPStatus.CREATED,
    operation_id="sign_up",
    summary="Open an account",
    responses=answers(
        UsernameTaken,
        PasswordTooShort,
        PasswordCommon,
        PasswordPersonal,
        PasswordPredictable,
        PasswordBreached,
        INVALID_BODY,
        NOT_JSON,
        WRONG_MEDIA_TYPE,
        TOO_MANY_SIGN_UPS,
        OVERLOADED,
        STORAGE_UNAVAILABLE,
    ),
)
async def sign_up(
    body: SignUp, response: Response, origin: RequestOrigin, register_user: Annotated[RegisterUser, use(RegisterUser)]
) -> UserOut:
    user = await register_user(username=body.username, email=body.email, password=body.password, origin=origin)
    response.headers["Location"] = "/users/me"
    return UserOut.of(user)


@router.get(
    "/users/me",
    operation_id="get_current_user",
    summary="Who am I?",
    responses=answers(NotAuthenticated, InvalidAccessToken, STORAGE_UNAVAILABLE),
)
async def read_users_me(
    actor: CurrentActor, get_current_user: Annotated[GetCurrentUser, use(GetCurrentUser)]
) -> CurrentUserOut:
    return CurrentUserOut.of(await get_current_user(actor=actor))
