"""Loaders of production."""

from collections.abc import Mapping, Sequence

from strawberry.dataloader import DataLoader

from domain.kernel.database import ReadSession
from domain.kernel.permissions import Permission
from domain.production.repository import aggregates, bottles, gateway_scans
from domain.production.rows import BatchRow, BottleRow, GatewayRead, PalletRow
from graph.context import Context
from graph.loaders import loader

# A batch larger than this is paged with `bottles(filter: {batchId})`.
MAX_NESTED = 500


def batch_by_id(context: Context) -> DataLoader[str, BatchRow | None]:
    permission = Permission.PRODUCTION_BATCH_READ
    return loader(context, "batch_by_id", permission, aggregates.batches_by_ids)


def pallet_by_id(context: Context) -> DataLoader[str, PalletRow | None]:
    permission = Permission.PRODUCTION_PALLET_READ
    return loader(context, "pallet_by_id", permission, aggregates.pallets_by_ids)


def bottle_by_id(context: Context) -> DataLoader[str, BottleRow | None]:
    permission = Permission.PRODUCTION_BOTTLE_READ
    return loader(context, "bottle_by_id", permission, bottles.by_ids)


def gateway_by_scan(context: Context) -> DataLoader[str, GatewayRead | None]:
    permission = Permission.PRODUCTION_SCAN_READ
    return loader(context, "gateway_by_scan", permission, gateway_scans.by_scans)


def bottles_by_batch(context: Context) -> DataLoader[str, list[BottleRow] | None]:
    permission = Permission.PRODUCTION_BOTTLE_READ
    return loader(context, "bottles_by_batch", permission, _bottles_of_batches)


def batches_by_pallet(context: Context) -> DataLoader[str, list[BatchRow] | None]:
    permission = Permission.PRODUCTION_BATCH_READ
    return loader(context, "batches_by_pallet", permission, aggregates.batches_of_pallets)


async def _bottles_of_batches(
    session: ReadSession, customer_id: int, batch_ids: Sequence[str]
) -> Mapping[str, list[BottleRow]]:
    return await bottles.of_batches(session, customer_id, batch_ids, MAX_NESTED)
