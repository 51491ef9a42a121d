"""Loaders of identity."""

from strawberry.dataloader import DataLoader

from domain.identity.rows import ConsentRow
from graph.context import Context
from graph.identity import resolvers


def consents_by_user(context: Context) -> DataLoader[str, list[ConsentRow]]:
    """Of oneself, or with the right of anyone."""
    found: DataLoader[str, list[ConsentRow]] | None = context.loaders.get("consents_by_user")
    if found is None:

        async def load(keys: list[str]) -> list[list[ConsentRow]]:
            rows = await resolvers.consents_of(context, keys)
            return [rows[key] for key in keys]

        found = context.loaders["consents_by_user"] = DataLoader(load_fn=load)
    return found
