"""One's own password."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from application.passwords.change_password import ChangePassword
from domain.actor import InvalidAccessToken, NotAuthenticated
from domain.attempts import LogInClosed, TooManyFailures
from domain.password import PasswordBreached, PasswordCommon, PasswordPersonal, PasswordPredictable, PasswordTooShort
from domain.user import CurrentPasswordWrong
from entrypoints.http.actor import CurrentActor
from entrypoints.http.documented import (
    INVALID_BODY,
    NO_SIGNING_KEY,
    NOT_JSON,
    OVERLOADED,
    STORAGE_UNAVAILABLE,
    TOO_MANY_LOG_INS,
    WRONG_MEDIA_TYPE,
    answers,
)
from entrypoints.http.fields import PasswordField
from entrypoints.http.inject import use
from entrypoints.http.origin import RequestOrigin, give_device_token
from entrypoints.http.strict import StrictRoute

router = APIRouter(tags=["accounts"], route_class=StrictRoute)


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current_password: PasswordField
    password: PasswordField


@router.post(
    "/users/me/password",
    operation_id="change_password",
    summary="Change my password",
    description="Every other session of the caller ends at once; the one that asks goes on. Tokens of devices are void, and"
    " that of the device that asks is made anew, as at a log-in.",
    status_code=HTTPStatus.NO_CONTENT,
    responses=answers(
        NotAuthenticated,
        InvalidAccessToken,
        CurrentPasswordWrong,
        PasswordTooShort,
        PasswordCommon,
        PasswordPersonal,
        PasswordPredictable,
        PasswordBreached,
        INVALID_BODY,
        NOT_JSON,
        WRONG_MEDIA_TYPE,
        TOO_MANY_LOG_INS,
        TooManyFailures,
        LogInClosed,
        OVERLOADED,
        STORAGE_UNAVAILABLE,
        NO_SIGNING_KEY,
    ),
)
async def change_own_password(
    *,
    body: PasswordChange,
    request: Request,
    response: Response,
    actor: CurrentActor,
    origin: RequestOrigin,
    change_password: Annotated[ChangePassword, use(ChangePassword)],
) -> None:
    token = await change_password(actor=actor, current=body.current_password, new=body.password, origin=origin)
    give_device_token(request, response, token)
