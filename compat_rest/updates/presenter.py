"""What a device is offered."""

from typing import Any

import orjson

from compat_rest.kernel.linked_files import link_address
from domain.kernel.clock import iso
from graph.software.resolvers import Offer


def offer(found: Offer, base: str) -> dict[str, Any]:
    row, link = found.view.release, found.link
    specification = row.specification
    return {
        "application": row.application,
        "currentVersion": found.current.version,
        "version": row.version,
        "specification": None if specification is None else orjson.loads(specification),
        "filename": row.filename,
        "sha256": row.sha256,
        "sizeBytes": row.size_bytes,
        "signature": row.signature,
        "keyId": row.key_id,
        "link": None if link is None else link_address(base, link),
        "linkExpiresAt": None if link is None else iso(link.expires_at_us),
    }
