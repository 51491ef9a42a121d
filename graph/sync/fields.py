import strawberry


@strawberry.type
class SyncQuery:
    @strawberry.field
    def sync_status(self) -> int:
        return 0


@strawberry.type
class SyncMutation:
    @strawberry.mutation
    def sync_now(self) -> int:
        return 0
