"""Bodies of OnTakt's API."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from compat_rest.kernel.fields import PRINTABLE, without_titles

Level = Literal["admin", "planner", "shop", "auditor"]


class LoginBody(BaseModel):
    """Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, json_schema_extra=without_titles)

    username: Annotated[str, Field(min_length=1, max_length=128, pattern=PRINTABLE)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class User(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    access_level: Level
    username: str


class Access(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    application: Literal["OnTakt"]
    version: str
    user: User


class Login(BaseModel):
    model_config = ConfigDict(json_schema_extra=without_titles)

    token: str
    user: User
