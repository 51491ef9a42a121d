"""Bodies of users, roles and consents."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from compat_rest.insight.schemas import Given, Shown, Uuid, without_default
from compat_rest.kernel.fields import without_titles

RoleName = Literal["ADMIN_ROLE", "USER_ROLE"]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Email = Annotated[
    str, Field(max_length=128, pattern=r"^[^\s@\x00-\x1f\x7f-\x9f]+@[^\s@\x00-\x1f\x7f-\x9f]+$")
]
Version = Annotated[
    str,
    Field(
        max_length=64,
        pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}(-[0-9A-Za-z.-]+)?$",
        description="Semantic",
    ),
]


class NewUser(Given):
    first_name: Name
    last_name: Name
    role: RoleName
    email: Email


class UserChanges(Given):
    """Only what is given changes."""

    first_name: Name | None = None
    last_name: Name | None = None
    role: RoleName | None = None
    email: Email | None = None
    language: Name | None = None


class Agreed(Shown):
    """`timestamp` is in milliseconds."""

    version: str
    timestamp: int


class User(Shown):
    """`created` and `last_updated` are in milliseconds."""

    id: Uuid
    first_name: str
    last_name: str
    email: str
    created: int
    last_updated: int
    language: str
    roles: list[RoleName]
    permissions: list[str]
    consent_general_terms: Agreed | None
    consent_privacy_policy: Agreed | None


class Role(Shown):
    description: str
    name: RoleName
    permissions: list[str]


_DOCUMENTS: Final = (
    "privacy_policy_version",
    "terms_and_conditions_version",
    "connected_policy_version",
)


def _any_of_them(schema: dict[str, Any]) -> None:
    without_titles(schema)
    schema["anyOf"] = [{"required": [name]} for name in _DOCUMENTS]


_left_out: Any = Field(default="", json_schema_extra=without_default)


class NewConsents(Given):
    """At least one of them; the others are empty here."""

    model_config = Given.model_config | {"json_schema_extra": _any_of_them}

    privacy_policy_version: Version = _left_out
    terms_and_conditions_version: Version = _left_out
    connected_policy_version: Version = _left_out


class ConsentVersion(Shown):
    """`agreed_on` is in milliseconds."""

    version: str
    agreed_on: int


class ConsentVersions(Shown):
    versions: list[ConsentVersion]


_absent: Any = Field(json_schema_extra=without_default)
Maybe = Annotated[ConsentVersions | SkipJsonSchema[None], _absent]


class Consents(Shown):
    """Those of the type that was asked for, else all three."""

    privacy_policy: Maybe = None
    terms_and_conditions_agreement: Maybe = None
    connected_policy: Maybe = None
