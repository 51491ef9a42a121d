"""Parameters that several routes share."""

from typing import Annotated

from fastapi import Path, Query

from domain.production.models import BottleStatus, SentStatus

Limit = Annotated[int, Query(ge=1, le=10_000, description="Max results")]
Line = Annotated[str | None, Query(alias="lineId", description="Production line")]
Device = Annotated[str | None, Query(alias="deviceId", description="Device")]
Status = Annotated[BottleStatus | None, Query(description="Bottle status, 0 to 5")]
Sent = Annotated[SentStatus | None, Query(alias="sentStatus", description="Sent status")]
DeviceIndex = Annotated[int, Path(ge=0, le=99, description="The device's own index, from 0")]
DeviceId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
PanelName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
TemplateName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}$")]
