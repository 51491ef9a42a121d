import strawberry


@strawberry.type
class SyncStreamItem:
    cursor: str
