"""What readings at a line's stations change: bottles taken out, batches and pallets made by label.

Items keep their order on a line, so that a package that is closed by its label holds the oldest
bottles that nobody packed yet, unless each was read into it.
"""

from dataclasses import dataclass
from typing import Final

from domain.kernel.text import is_storable
from domain.kernel.uow import UnitOfWork
from domain.line.operations.accumulation import Accumulation
from domain.line.roles import GOOD, SOUND, Verdict
from domain.production.codes import read_sscc
from domain.production.commands import (
    MAX_BULK,
    MAX_LABEL,
    AddBatches,
    CreateBatch,
    CreatePallet,
    MoveBottles,
    SetBottleStatus,
)
from domain.production.models import AggregateStatus, BottleStatus
from domain.production.operations import packing, pallets
from domain.production.operations.bottles import set_bottle_status
from domain.production.repository import aggregates, bottles
from domain.production.repository.aggregates import BATCH, PALLET
from domain.production.rows import BatchRow, BottleRow, PalletRow


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is packed; `plan.batch_size` and `pallet_size` of 0 take any number."""

    plan: Accumulation
    line_id: str | None


def incomplete(found: int, wanted: int, of_what: str) -> Verdict:
    return Verdict(False, "INCOMPLETE", f"Only {found} of {wanted} {of_what} are there")


BAD_LABEL: Final = Verdict(False, "BAD_LABEL", "Not the label of a package")
NOTHING_TO_PACK: Final = Verdict(False, "NOTHING_TO_PACK", "There is nothing to pack")


async def take_out(work: UnitOfWork, bottle: BottleRow) -> Verdict:
    """REMOVE: it is rejected, and leaves its batch."""
    await set_bottle_status(
        work, SetBottleStatus.of(bottle_id=bottle.id, status=BottleStatus.REJECTED)
    )
    return GOOD


async def pack_bottle(work: UnitOfWork, place: Place, bottle: BottleRow) -> Verdict:
    """PACKAGE reads a bottle: it goes into the package that is open on the line."""
    if bottle.status not in SOUND or bottle.batch_id is not None:
        status = BottleStatus(bottle.status).name
        return Verdict(False, status, f"The bottle is {status}")
    batch = await _open_package(work, place)
    if place.plan.batch_size and batch.bottle_count >= place.plan.batch_size:
        return Verdict(False, "PACKAGE_FULL", "The package is full and waits for its label")
    await packing.add_bottles(work, MoveBottles.of(batch_id=batch.id, bottle_ids=(bottle.id,)))
    return GOOD


async def close_package(work: UnitOfWork, place: Place, label: str) -> Verdict:
    """PACKAGE reads a label: the package that is open gets that name and is complete. A label that
    a batch has already confirms that batch."""
    if not 0 < len(label) <= MAX_LABEL or not label.isprintable() or not is_storable(label):
        return BAD_LABEL
    known = await aggregates.batch_by_identifier(work.session, work.customer_id, label)
    if known is not None:
        return await _confirmed_batch(work, known)
    opened = await aggregates.open_batch(work.session, work.customer_id, place.line_id)
    if opened is not None and opened.bottle_count:
        return await _name_batch(work, place, opened, label)
    return await _package_oldest(work, place, label)


async def load_batch(work: UnitOfWork, place: Place, batch: BatchRow) -> Verdict:
    """BOX reads a package: it goes onto the pallet that is open on the line."""
    if batch.status is not AggregateStatus.COMPLETE or batch.pallet_id is not None:
        return Verdict(False, "NOT_FREE", "The batch is not complete, or stands on a pallet")
    pallet = await _open_pallet(work, place)
    if place.plan.pallet_size and pallet.batch_count >= place.plan.pallet_size:
        return Verdict(False, "PALLET_FULL", "The pallet is full and waits for its label")
    await pallets.add_batches(work, AddBatches.of(pallet_id=pallet.id, batch_ids=(batch.id,)))
    return GOOD


async def close_pallet(work: UnitOfWork, place: Place, sscc: str) -> Verdict:
    """BOX reads an SSCC: the pallet that is open gets it and is complete."""
    known = await aggregates.pallet_by_identifier(work.session, work.customer_id, sscc)
    if known is not None:
        return await _confirmed_pallet(work, known)
    opened = await aggregates.open_pallet(work.session, work.customer_id, place.line_id)
    if opened is not None and opened.batch_count:
        return await _name_pallet(work, place, opened, sscc)
    return await _palletise_oldest(work, place, sscc)


async def read_box(work: UnitOfWork, place: Place, text: str) -> Verdict:
    """BOX: an SSCC closes a pallet, a batch's label loads it."""
    if (sscc := read_sscc(text)) is not None:
        return await close_pallet(work, place, sscc)
    batch = None
    if is_storable(text):
        batch = await aggregates.batch_by_identifier(work.session, work.customer_id, text)
    if batch is None:
        return Verdict(False, "UNKNOWN", "Neither an SSCC nor the label of a batch")
    return await load_batch(work, place, batch)


async def _open_package(work: UnitOfWork, place: Place) -> BatchRow:
    found = await aggregates.open_batch(work.session, work.customer_id, place.line_id)
    if found is not None:
        return found
    # Without a size: its label completes it, not its last bottle.
    command = CreateBatch.of(line_id=place.line_id)
    return await packing.create_batch(work, command, place.plan.origin, accumulates=True)


async def _confirmed_batch(work: UnitOfWork, batch: BatchRow) -> Verdict:
    if batch.status is AggregateStatus.IN_PROGRESS and batch.bottle_count:
        await packing.complete_batch(work, batch.id)
        return GOOD
    if batch.status is AggregateStatus.COMPLETE:
        return GOOD
    return Verdict(False, "NOT_FREE", f"The batch of this label is {batch.status}")


async def _name_batch(work: UnitOfWork, place: Place, batch: BatchRow, label: str) -> Verdict:
    wanted = place.plan.batch_size
    if batch.bottle_count < wanted:
        return incomplete(batch.bottle_count, wanted, "bottles")
    await aggregates.change_row(
        work.session, BATCH, work.customer_id, batch.id, batch.status, identifier=label
    )
    await packing.complete_batch(work, batch.id)
    return GOOD


async def _package_oldest(work: UnitOfWork, place: Place, label: str) -> Verdict:
    wanted = place.plan.batch_size
    loose = await bottles.loose_of_line(
        work.session, work.customer_id, place.line_id, wanted or MAX_BULK
    )
    if len(loose) < wanted:
        return incomplete(len(loose), wanted, "bottles")
    if not loose:
        return NOTHING_TO_PACK
    command = CreateBatch.of(identifier=label, line_id=place.line_id, bottle_ids=tuple(loose))
    batch = await packing.create_batch(work, command, place.plan.origin)
    await packing.complete_batch(work, batch.id)
    return GOOD


async def _open_pallet(work: UnitOfWork, place: Place) -> PalletRow:
    found = await aggregates.open_pallet(work.session, work.customer_id, place.line_id)
    return found or await _new_pallet(work, place, accumulates=True)


async def _new_pallet(
    work: UnitOfWork, place: Place, batch_ids: tuple[str, ...] = (), *, accumulates: bool = False
) -> PalletRow:
    command = CreatePallet.of(line_id=place.line_id, batch_ids=batch_ids)
    return await pallets.create_pallet(
        work, command, place.plan.company_prefix, place.plan.origin, accumulates=accumulates
    )


async def _confirmed_pallet(work: UnitOfWork, pallet: PalletRow) -> Verdict:
    if pallet.status is AggregateStatus.IN_PROGRESS and pallet.batch_count:
        await pallets.complete_pallet(work, pallet.id)
        return GOOD
    if pallet.status is AggregateStatus.COMPLETE:
        return GOOD
    return Verdict(False, "NOT_FREE", f"The pallet of this SSCC is {pallet.status}")


async def _name_pallet(work: UnitOfWork, place: Place, pallet: PalletRow, sscc: str) -> Verdict:
    wanted = place.plan.pallet_size
    if pallet.batch_count < wanted:
        return incomplete(pallet.batch_count, wanted, "batches")
    await _complete_as(work, pallet, sscc)
    return GOOD


async def _palletise_oldest(work: UnitOfWork, place: Place, sscc: str) -> Verdict:
    wanted = place.plan.pallet_size
    free = await aggregates.free_batches(
        work.session, work.customer_id, place.line_id, wanted or MAX_BULK
    )
    if len(free) < wanted:
        return incomplete(len(free), wanted, "batches")
    if not free:
        return NOTHING_TO_PACK
    pallet = await _new_pallet(work, place, tuple(batch.id for batch in free))
    await _complete_as(work, pallet, sscc)
    return GOOD


async def _complete_as(work: UnitOfWork, pallet: PalletRow, sscc: str) -> None:
    await aggregates.change_row(
        work.session, PALLET, work.customer_id, pallet.id, pallet.status, sscc=sscc
    )
    await pallets.complete_pallet(work, pallet.id)
