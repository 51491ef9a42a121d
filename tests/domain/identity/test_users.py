"""Managing users: who may, what it does, what two who do it at once end up with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from domain.identity import operations, repository
from domain.identity.commands import CreateUser, SetPassword, SetRole
from domain.identity.rows import UserRow
from domain.kernel.actor import ANONYMOUS
from domain.kernel.errors import Conflict, Forbidden, NotFound, Unauthorized, ValidationFailed
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import Role
from graph.context import Context
from graph.identity import resolvers
from tests.domain.identity.conftest import House
from tests.support.databases import new_customer
from tests.support.log import facts

HERE = "192.0.2.7"

Call = Callable[[Context, UserRow], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "create": lambda c, u: resolvers.create_user(
        c, CreateUser(username="new", password="long enough", role=Role.ADMIN)
    ),
    "password": lambda c, u: resolvers.set_password(
        c, SetPassword(user_id=u.id, password="another one")
    ),
    "role": lambda c, u: resolvers.set_role(c, SetRole(user_id=u.id, role=Role.ADMIN)),
    "disable": lambda c, u: resolvers.disable_user(c, u.id),
    "enable": lambda c, u: resolvers.enable_user(c, u.id),
}


async def everything(house: House) -> tuple[Any, ...]:
    async with house.database.read() as session:
        page = await repository.users_page(session, house.customer_id, PageRequest(limit=500))
    return page.rows, await facts(house.database, "identity")


@pytest.mark.parametrize("name", WRITES)
async def test_who_may_not_changes_nothing(house: House, name: str) -> None:
    ann = await house.user("ann")
    others = [await house.user(str(role), role) for role in Role if role is not Role.ADMIN]
    before = await everything(house)
    for other in others:
        with pytest.raises(Forbidden) as caught:
            await WRITES[name](house.context(other), ann)
        assert caught.value.details == {"required_permission": "identity:user:manage"}
    with pytest.raises(Unauthorized):
        await WRITES[name](house.context(ANONYMOUS), ann)
    assert await everything(house) == before


@pytest.mark.parametrize("name", [name for name in WRITES if name != "create"])
async def test_a_user_of_another_customer_is_not_there(house: House, name: str) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    stranger = admin._replace(customer_id=await new_customer(house.database, "Dairy Two"))
    before = await everything(house)
    with pytest.raises(NotFound):
        await WRITES[name](house.context(stranger), ann)
    for wrong in (new_id(), "", "x", "\x00", "user-001"):
        with pytest.raises((NotFound, ValidationFailed)):
            await WRITES[name](house.context(admin), ann._replace(id=wrong))
    assert await everything(house) == before


async def test_an_administrator_makes_a_user_who_can_log_in(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    command = CreateUser.of(
        username="ann", password="long enough", role=Role.AUDITOR, display_name="Ann Example"
    )
    made = await resolvers.create_user(house.context(admin), command)
    assert (made.username, made.display_name, made.role) == ("ann", "Ann Example", Role.AUDITOR)
    assert made.created_at_us == house.clock.now_us()
    found = await resolvers.login(house.context(), "ann", "long enough", HERE)
    assert found.user == made
    row = (await facts(house.database, "identity"))[1]
    assert (row.kind, row.key) == ("user.created", made.id)
    assert row.data == {
        "id": made.id,
        "username": "ann",
        "display_name": "Ann Example",
        "role": "AUDITOR",
        "created_at_us": made.created_at_us,
        "disabled_at_us": None,
    }


async def test_a_taken_username_is_a_conflict_even_elsewhere(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    stranger = admin._replace(customer_id=await new_customer(house.database, "Dairy Two"))
    before = await everything(house)
    command = CreateUser.of(username="admin", password="long enough", role=Role.OPERATOR)
    for who in (admin, stranger):
        with pytest.raises(Conflict):
            await resolvers.create_user(house.context(who), command)
    assert await everything(house) == before


async def test_two_who_want_one_username_at_once(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    command = CreateUser.of(username="ann", password="long enough", role=Role.OPERATOR)
    answers = await asyncio.gather(
        *(resolvers.create_user(house.context(admin), command) for _ in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, UserRow) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 5


async def test_a_new_password_ends_the_old_ones_tokens(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    token = (await resolvers.login(house.context(), "ann", "long enough", HERE)).token
    await house.peers.tokens.actor(token)
    command = SetPassword(user_id=ann.id, password="another one")
    await resolvers.set_password(house.context(admin), command)
    with pytest.raises(Unauthorized):
        await house.peers.tokens.actor(token)
    with pytest.raises(Unauthorized):
        await resolvers.login(house.context(), "ann", "long enough", HERE)
    await resolvers.login(house.context(), "ann", "another one", HERE)


async def test_a_poor_password_is_refused(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    before = await everything(house)
    with pytest.raises(ValidationFailed):
        await resolvers.set_password(
            house.context(admin), SetPassword(user_id=admin.id, password="short")
        )
    with pytest.raises(ValidationFailed):
        await resolvers.create_user(
            house.context(admin), CreateUser(username="ann", password="short", role=Role.ADMIN)
        )
    assert await everything(house) == before


async def test_closing_twice_is_closing_once(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    first = await resolvers.disable_user(house.context(admin), ann.id)
    house.clock.advance(60)
    assert await resolvers.disable_user(house.context(admin), ann.id) == first
    kinds = [row.kind for row in await facts(house.database, "identity")]
    assert kinds.count("user.disabled") == 1


async def test_the_last_administrator_cannot_leave(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    before = await everything(house)
    with pytest.raises(Conflict):
        await resolvers.disable_user(house.context(admin), admin.id)
    with pytest.raises(Conflict):
        await resolvers.set_role(
            house.context(admin), SetRole(user_id=admin.id, role=Role.OPERATOR)
        )
    assert await everything(house) == before


async def test_two_administrators_cannot_remove_each_other_at_once(house: House) -> None:
    ann, bob = await house.user("ann", Role.ADMIN), await house.user("bob", Role.ADMIN)
    answers = await asyncio.gather(
        resolvers.disable_user(house.context(ann), bob.id),
        resolvers.disable_user(house.context(bob), ann.id),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, UserRow) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 1


async def test_the_same_role_again_ends_nothing(house: House) -> None:
    admin = await house.user("admin", Role.ADMIN)
    ann = await house.user("ann")
    again = await resolvers.set_role(
        house.context(admin), SetRole(user_id=ann.id, role=Role.OPERATOR)
    )
    assert again == ann


async def test_users_are_listed_to_those_who_may_see_them(house: House) -> None:
    manager = await house.user("manager", Role.MANAGER)
    operator = await house.user("operator")
    page = await resolvers.users(house.context(manager), PageRequest(limit=10))
    assert [user.username for user in page.rows] == ["operator", "manager"]
    with pytest.raises(Forbidden):
        await resolvers.users(house.context(operator), PageRequest())


async def test_nothing_of_a_unit_of_work_that_fails_stays(house: House) -> None:
    ann = await house.user("ann")
    before = await everything(house)

    async def half() -> None:
        async with house.transactions.begin(house.system) as work:
            await operations.set_password(work, ann.id, "$argon2id$other")
            raise NotFound("User", "x")

    with pytest.raises(NotFound):
        await half()
    assert await everything(house) == before
