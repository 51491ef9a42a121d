"""From Insight's bodies to what identity is asked."""

from compat_rest.insight.users_schemas import NewConsents, NewUser, UserChanges
from domain.identity.commands import CreateUser, GiveConsents, UpdateUser
from domain.identity.mappings import INSIGHT_ROLES, insight_role
from domain.identity.models import ConsentDocument
from domain.identity.rows import UserRow
from domain.identity.rules import actor_of
from domain.kernel.errors import ValidationFailed


def new_user(body: NewUser) -> CreateUser:
    """One logs in by the email."""
    return CreateUser.of(
        username=body.email,
        role=INSIGHT_ROLES[body.role],
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
    )


def changes(row: UserRow, body: UserChanges) -> UpdateUser:
    """A role that is shown of the user already is no change: ours are finer."""
    given = body.model_dump(exclude_none=True)
    role = given.pop("role", None)
    if role is not None and role != insight_role(actor_of(row)):
        given["role"] = INSIGHT_ROLES[role]
    return UpdateUser.of(user_id=row.id, **given)


def consents(body: NewConsents) -> GiveConsents:
    given = {
        ConsentDocument.PRIVACY_POLICY: body.privacy_policy_version,
        ConsentDocument.TERMS_AND_CONDITIONS_AGREEMENT: body.terms_and_conditions_version,
        ConsentDocument.CONNECTED_POLICY: body.connected_policy_version,
    }
    versions = {document: version for document, version in given.items() if version}
    if not versions:
        raise ValidationFailed("body", "names no version of any document")
    return GiveConsents.of(versions=versions)
