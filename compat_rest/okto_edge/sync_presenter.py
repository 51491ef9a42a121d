"""Provisioning, connection and cloud as the OKTO edge API shows them. Its oddities:

- sign-in, activation and deprovisioning put their fields at the top level, all others under `data`;
- an edge that is not provisioned shows its device fields as null.
"""

from collections.abc import Sequence

from compat_rest.kernel.okto.presenter import Body, data, moment
from domain.sync.models import ProvisioningStatus
from domain.sync.ports import CloudCompany, CloudDevice, CloudLine, IssuedCodes
from domain.sync.rows import (
    ConnectionRow,
    DevicePage,
    ProvisioningRow,
    SyncOutcome,
    SyncStatusRow,
)


def device(row: ProvisioningRow) -> Body:
    return {
        "deviceId": row.device_id,
        "deviceIdentifier": row.device_identifier,
        "companyId": row.company_id,
        "companyName": row.company_name,
        "deviceName": row.device_name,
        "seqNumber": row.seq_number,
        "industry": row.industry,
    }


def provisioning_status(row: ProvisioningRow) -> Body:
    return data({"status": str(row.status)} | device(row))


def signed_in() -> Body:
    """Also on an edge that is provisioned, and stays so."""
    status = str(ProvisioningStatus.SIGNED_IN)
    return {"success": True, "status": status, "message": "Successfully signed in"}


def activated(row: ProvisioningRow) -> Body:
    message = "Device activated successfully"
    return {"success": True, "device": device(row), "message": message}


def deprovisioned() -> Body:
    return {"success": True, "message": "Device deprovisioned"}


def provisioned_device(page: DevicePage) -> Body:
    last = {
        "lastBatchIdentifier": page.last_batch_identifier,
        "lastPalletIdentifier": page.last_pallet_identifier,
    }
    return data(device(page.provisioning) | last)


def cloud_devices(devices: Sequence[CloudDevice]) -> Body:
    return data(
        [
            {
                "id": one.id,
                "name": one.name,
                "companyId": one.company_id,
                "companyName": one.company_name,
                "seqNumber": one.seq_number,
                "deviceMode": one.device_mode,
            }
            for one in devices
        ]
    )


def mode(row: ConnectionRow) -> Body:
    return data({"mode": str(row.mode), "allowSwitch": row.allow_switch})


def mode_changed(row: ConnectionRow) -> Body:
    return data({"mode": str(row.mode), "message": "Mode changed successfully"})


def connection_status(row: SyncStatusRow) -> Body:
    return data(
        {
            "mode": str(row.mode),
            "connected": row.connected,
            "lastSync": moment(row.last_sync_at_us),
            "queueSize": row.queue_size,
        }
    )


def sync_status(row: SyncStatusRow) -> Body:
    return data(
        {
            "queueSize": row.queue_size,
            "oldestItem": moment(row.oldest_item_at_us),
            "lastSync": moment(row.last_sync_at_us),
            "syncErrors": row.sync_errors,
        }
    )


def cloud_lines(lines: Sequence[CloudLine]) -> Body:
    return data(
        [
            {
                "id": line.id,
                "name": line.name,
                "identifier": line.identifier,
                "companyId": line.company_id,
                "productId": line.product_id,
                "party": line.party,
            }
            for line in lines
        ]
    )


def cloud_codes(issued: IssuedCodes) -> Body:
    return data({"codes": list(issued.codes), "remaining": issued.remaining})


def cloud_company(company: CloudCompany) -> Body:
    return data(
        {
            "id": company.id,
            "name": company.name,
            "industry": company.industry,
            "timeZone": company.time_zone,
        }
    )


def synced(outcome: SyncOutcome) -> Body:
    return data(outcome._asdict())
