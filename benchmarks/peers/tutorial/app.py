"""What a well-known tutorial teaches: FastAPI with JWT, users in a dictionary, bcrypt by passlib, called on the event loop."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from passlib.context import CryptContext
from pydantic import BaseModel

SECRET_KEY = "a secret key of the benchmark, of no use elsewhere"
ALGORITHM = "HS256"
ACCESS_TOKEN_EXPIRE_MINUTES = 30
REFRESH_TOKEN_EXPIRE_DAYS = 7

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
users: dict[str, dict[str, str]] = {}

if equal := os.environ.get("PEER_ARGON2"):
    memory, passes, lanes = map(int, equal.split(","))
    pwd_context = CryptContext(
        schemes=["argon2"], argon2__memory_cost=memory, argon2__time_cost=passes, argon2__parallelism=lanes
    )
else:
    pwd_context = CryptContext(schemes=["bcrypt"], deprecated="auto")


class UserCreate(BaseModel):
    username: str
    email: str
    password: str


class User(BaseModel):
    id: str
    username: str
    email: str


class Token(BaseModel):
    access_token: str
    refresh_token: str
    token_type: str


def create_token(username: str, lifetime: timedelta) -> str:
    return jwt.encode({"sub": username, "exp": datetime.now(UTC) + lifetime}, SECRET_KEY, algorithm=ALGORITHM)


def create_tokens(username: str) -> Token:
    return Token(
        access_token=create_token(username, timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES)),
        refresh_token=create_token(username, timedelta(days=REFRESH_TOKEN_EXPIRE_DAYS)),
        token_type="bearer",
    )


def user_of(token: str) -> dict[str, str]:
    refused = HTTPException(
        status.HTTP_401_UNAUTHORIZED, "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"}
    )
    try:
        username = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM]).get("sub")
    except jwt.PyJWTError:
        raise refused from None
    user = users.get(username)
    if user is None:
        raise refused
    return user


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> dict[str, str]:
    return user_of(token)


@app.post("/signup", response_model=User)
async def signup(user: UserCreate) -> dict[str, str]:
    if user.username in users:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Username already registered")
    users[user.username] = {
        "id": str(len(users) + 1),
        "username": user.username,
        "email": user.email,
        "hashed_password": pwd_context.hash(user.password),
    }
    return users[user.username]


@app.post("/token", response_model=Token)
async def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
    user = users.get(form.username)
    if user is None or not pwd_context.verify(form.password, user["hashed_password"]):
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED, "Incorrect username or password", headers={"WWW-Authenticate": "Bearer"}
        )
    return create_tokens(user["username"])


@app.get("/users/me", response_model=User)
async def read_users_me(user: Annotated[dict[str, str], Depends(get_current_user)]) -> dict[str, str]:
    return user


@app.post("/refresh", response_model=Token)
async def refresh(refresh_token: str) -> Token:
    user = user_of(refresh_token)
    access = create_token(user["username"], timedelta(minutes=ACCESS_TOKEN_EXPIRE_MINUTES))
    return Token(access_token=access, refresh_token=refresh_token, token_type="bearer")
