"""Fields of production: arguments to command, command to resolver, row to type. No logic."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from domain.kernel.errors import NotFound, ValidationFailed
from domain.production.commands import BatchFilter, BottleFilter, PalletFilter, ScanFilter
from domain.production.rows import BatchRow, OverviewRow
from graph.info import Info
from graph.pagination import found, list_field, plain_id, split_global_id
from graph.production import resolvers
from graph.production.inputs import (
    AddBatchesToPalletInput,
    AddBottlesToBatchInput,
    BatchFilterInput,
    BottleFilterInput,
    CreateBatchInput,
    CreateBottlesInput,
    CreatePalletInput,
    PalletFilterInput,
    RemoveBottlesFromBatchInput,
    ScanFilterInput,
    ScanInput,
    SetBottleStatusInput,
)
from graph.production.trace_types import Trace, trace_type
from graph.production.types import (
    Aggregate,
    Batch,
    BatchesMoved,
    Bottle,
    BottlesCreated,
    BottlesMoved,
    CodeVerdict,
    Overview,
    Pallet,
    Scan,
    ScanResult,
    StatusCount,
    batch_type,
    bottle_type,
    code_verdict,
    overview_type,
    pallet_type,
    scan_result,
    scan_type,
)
from graph.scalars import Timestamp


def one_key(id_: str | None, identifier: str | None, type_name: str) -> str:
    """Exactly one of the two ways to name a thing."""
    if (id_ is None) == (identifier is None):
        raise ValidationFailed("id", "give either id or identifier")
    return plain_id(id_, type_name) if id_ is not None else identifier or ""


@strawberry.type
class ProductionQuery:
    bottles = list_field(
        Bottle,
        BottleFilterInput,
        BottleFilter(),
        resolvers.list_bottles,
        resolvers.count_bottles,
        bottle_type,
        "Bottles, newest first",
    )

    @strawberry.field(description="By id or by its code in any form a scanner sends")
    async def bottle(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
    ) -> Bottle | None:
        row = await resolvers.bottle(info.context, one_key(id, identifier, "Bottle"))
        return found(row, bottle_type)

    @strawberry.field(description="How many bottles are in each status; no zero buckets")
    async def bottle_counts(
        self,
        info: Info,
        filter: BottleFilterInput | None = None,
    ) -> list[StatusCount]:
        wanted = filter.wanted() if filter else BottleFilter()
        counts = await resolvers.count_bottles_by_status(info.context, wanted)
        return [StatusCount.of(status, count) for status, count in counts.items()]

    batches = list_field(
        Batch,
        BatchFilterInput,
        BatchFilter(),
        resolvers.list_batches,
        resolvers.count_batches,
        batch_type,
        "Batches, newest first",
    )

    @strawberry.field(description="By id or printed identifier")
    async def batch(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
    ) -> Batch | None:
        row = await resolvers.batch(info.context, one_key(id, identifier, "Batch"))
        return found(row, batch_type)

    pallets = list_field(
        Pallet,
        PalletFilterInput,
        PalletFilter(),
        resolvers.list_pallets,
        resolvers.count_pallets,
        pallet_type,
        "Pallets, newest first",
    )

    @strawberry.field(description="By id, printed identifier or SSCC")
    async def pallet(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        identifier: str | None = None,
    ) -> Pallet | None:
        row = await resolvers.pallet(info.context, one_key(id, identifier, "Pallet"))
        return found(row, pallet_type)

    scans = list_field(
        Scan,
        ScanFilterInput,
        ScanFilter(),
        resolvers.list_scans,
        resolvers.count_scans,
        scan_type,
        "Every read, newest first: good, bad, duplicate, no-read",
    )

    @strawberry.field(
        description="A code's whole genealogy, up and down, now or at a past moment. "
        "Takes a bottle's code, a batch's or pallet's number, an SSCC or an id."
    )
    async def trace(
        self, info: Info, identifier: str, as_of: Timestamp | None = None
    ) -> Trace | None:
        parts = split_global_id(identifier)
        key = parts[1] if parts is not None else identifier
        return found(await resolvers.trace_item(info.context, key, as_of), trace_type)

    @strawberry.field(description="The dashboard's figures, from rollups")
    async def overview(self, info: Info) -> Overview:
        return overview_type(await resolvers.overview(info.context))


async def metrics_of(rows: AsyncGenerator[OverviewRow, None]) -> AsyncGenerator[Overview, None]:
    """For the subscription; `rows` are closed with it."""
    async with aclosing(rows):
        async for row in rows:
            yield overview_type(row)


@strawberry.type
class ProductionMutation:
    @strawberry.mutation(description="Judge and store one read; answers when it is on disk")
    async def scan(self, info: Info, input: ScanInput) -> ScanResult:
        return scan_result(await resolvers.record_scan(info.context, input.command()))

    @strawberry.mutation(description="Judge a code; stores nothing")
    async def validate_code(self, info: Info, code: str) -> CodeVerdict:
        return code_verdict(await resolvers.validate_code(info.context, code))

    @strawberry.mutation(description="As if a scanner had read it (mock mode only)")
    async def mock_scan(self, info: Info, code: str) -> ScanResult:
        return scan_result(await resolvers.mock_scan(info.context, code))

    @strawberry.mutation(description="A fresh valid code (mock mode only)")
    async def generate_code(self, info: Info, industry: str = "milk") -> str:
        return await resolvers.generate_code(info.context, industry)

    @strawberry.mutation(description="All or none of them")
    async def create_bottles(self, info: Info, input: CreateBottlesInput) -> BottlesCreated:
        rows = await resolvers.create_bottles(info.context, input.command())
        return BottlesCreated(created=len(rows), bottles=[bottle_type(row) for row in rows])

    @strawberry.mutation
    async def set_bottle_status(self, info: Info, input: SetBottleStatusInput) -> Bottle:
        return bottle_type(await resolvers.set_bottle_status(info.context, input.command()))

    @strawberry.mutation
    async def create_batch(self, info: Info, input: CreateBatchInput) -> Batch:
        return batch_type(await resolvers.create_batch(info.context, input.command()))

    @strawberry.mutation(description="All or none; a batch that is full by this is complete")
    async def add_bottles_to_batch(
        self,
        info: Info,
        input: AddBottlesToBatchInput,
    ) -> BottlesMoved:
        command = input.command()
        count = await resolvers.add_bottles_to_batch(info.context, command)
        return BottlesMoved(added=count, batch=await _batch(info, command.batch_id))

    @strawberry.mutation(description="`added` counts those that left")
    async def remove_bottles_from_batch(
        self,
        info: Info,
        input: RemoveBottlesFromBatchInput,
    ) -> BottlesMoved:
        command = input.command()
        count = await resolvers.remove_bottles_from_batch(info.context, command)
        return BottlesMoved(added=-count, batch=await _batch(info, command.batch_id))

    @strawberry.mutation
    async def complete_batch(self, info: Info, id: strawberry.ID) -> Batch:
        return batch_type(await resolvers.complete_batch(info.context, plain_id(id, "Batch")))

    @strawberry.mutation
    async def create_pallet(self, info: Info, input: CreatePalletInput) -> Pallet:
        return pallet_type(await resolvers.create_pallet(info.context, input.command()))

    @strawberry.mutation
    async def add_batches_to_pallet(
        self,
        info: Info,
        input: AddBatchesToPalletInput,
    ) -> BatchesMoved:
        command = input.command()
        count = await resolvers.add_batches_to_pallet(info.context, command)
        row = await resolvers.pallet(info.context, command.pallet_id)
        if row is None:
            raise NotFound("Pallet", command.pallet_id)
        return BatchesMoved(added=count, pallet=pallet_type(row))

    @strawberry.mutation
    async def complete_pallet(self, info: Info, id: strawberry.ID) -> Pallet:
        return pallet_type(await resolvers.complete_pallet(info.context, plain_id(id, "Pallet")))

    @strawberry.mutation(description="Takes a pallet or a batch apart")
    async def disaggregate(self, info: Info, id: strawberry.ID) -> Aggregate:
        parts = split_global_id(id)
        row = await resolvers.disaggregate(info.context, parts[1] if parts is not None else id)
        return batch_type(row) if isinstance(row, BatchRow) else pallet_type(row)


async def _batch(info: Info, batch_id: str) -> Batch:
    row = await resolvers.batch(info.context, batch_id)
    if row is None:
        raise NotFound("Batch", batch_id)
    return batch_type(row)
