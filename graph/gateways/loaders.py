"""Loaders of gateways."""

from strawberry.dataloader import DataLoader

from domain.gateways.repository import gateways, scanners
from domain.gateways.rows import GatewayRow, ScannerRow
from domain.kernel.permissions import Permission
from graph.context import Context
from graph.loaders import loader


def gateway_by_id(context: Context) -> DataLoader[str, GatewayRow | None]:
    return loader(context, "gateway_by_id", Permission.FLEET_DEVICE_READ, gateways.by_ids)


def scanners_by_gateway(context: Context) -> DataLoader[str, list[ScannerRow] | None]:
    permission = Permission.FLEET_DEVICE_READ
    return loader(context, "scanners_by_gateway", permission, scanners.of_gateways)
