"""`oktograph user`"""

import asyncio
from typing import Annotated

import typer

from domain.identity import operations as identity
from domain.identity import rules
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.errors import DomainError
from domain.kernel.permissions import Role
from oktograph.cli.options import DataDir, Of, settings_with
from oktograph.settings import Place, Settings

app = typer.Typer(help="Users of this installation.", no_args_is_help=True)


@app.command("add")
def add(
    username: Annotated[str, typer.Argument(help="Name to log in with")],
    role: Annotated[Role, typer.Option(help="What the user may")] = Role.OPERATOR,
    display_name: Annotated[str, typer.Option(help="Name to show")] = "",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for")
    ] = "",
    data_dir: DataDir = None,
    of: Of = Place.EDGE,
) -> None:
    """Add a user; the password is asked for, so that it is in no history."""
    try:
        command = CreateUser.of(
            username=username, display_name=display_name or username, password=password, role=role
        )
        asyncio.run(_add(settings_with(data_dir=data_dir), of, command))
    except DomainError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{username} can log in as {role}")


async def _add(settings: Settings, place: Place, command: CreateUser) -> None:
    from drivers.identity.passwords import Argon2Passwords
    from oktograph.offline import opened

    password = command.password or ""
    rules.check_new_password(command.username, password)
    passwords = Argon2Passwords()
    try:
        password_hash = await passwords.hash(password)
        async with opened(settings, place) as (transactions, customer):
            actor = system_actor("command line", customer.id)
            async with transactions.begin(actor) as work:
                await identity.create_user(work, command, password_hash)
    finally:
        passwords.close()
