"""Bodies of OnTakt's API."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from compat_rest.kernel.fields import without_titles

Level = Literal["admin", "planner", "shop", "auditor"]


class LoginBody(BaseModel):
    """Unknown fields are ignored."""

    model_config = ConfigDict(strict=True, json_schema_extra=without_titles)

    username: str
    password: str


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
