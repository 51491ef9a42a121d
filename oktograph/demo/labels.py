"""The demo's label templates, on its only printer."""

from typing import Any, Final

from domain.kernel.actor import Actor, ActorKind
from domain.kernel.permissions import Permission
from graph.context import Context, Services
from graph.line import resolvers

PRINTER: Final = 0
BATCH: Final = "batch"
PALLET: Final = "pallet"
_MAY: Final = frozenset({Permission.LINE_HARDWARE_READ, Permission.LINE_CONFIGURATION_WRITE})
_TEMPLATES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "default",
        "description": "Any text, and as a code",
        "body": "^XA^PW480^LL320^FO20,20^A0N,22,22^FD{{code}}^FS"
        "^FO20,60^BXN,8,200,,,,_^FD{{code}}^FS^XZ",
        "parameters": [{"name": "code"}],
    },
    {
        "name": "bottle",
        "description": "A marking code, as GS1 DataMatrix",
        "body": "^XA^PW480^LL320^FO20,20^A0N,22,22^FD{{code}}^FS"
        "^FO20,60^BXN,8,200,,,,_^FD{{code}}^FS^XZ",
        "parameters": [{"name": "code", "type": "gs1"}],
    },
    {
        "name": BATCH,
        "description": "A full batch",
        "body": "^XA^PW480^LL320^FO20,20^A0N,40,40^FD{{batch}}^FS"
        "^FO20,80^A0N,28,28^FD{{count}} bottles of {{line}}^FS"
        "^FO20,130^BXN,8,200,,,,_^FD{{code}}^FS^XZ",
        "parameters": [{"name": "batch"}, {"name": "count"}, {"name": "line"}, {"name": "code"}],
    },
    {
        "name": PALLET,
        "description": "A full pallet, with its SSCC as GS1-128",
        "body": "^XA^PW480^LL320^FO20,20^A0N,32,32^FDSSCC {{sscc}}^FS"
        "^FO20,70^A0N,28,28^FD{{count}} batches^FS"
        "^FO20,120^BY2^BCN,120,Y,N,N,N^FD>;>8{{code}}^FS^XZ",
        "parameters": [{"name": "sscc"}, {"name": "count"}, {"name": "code", "type": "gs1"}],
    },
)
PRINT_BATCH: Final = {"printer": PRINTER, "template": BATCH}
PRINT_PALLET: Final = {
    "printer": PRINTER,
    "template": PALLET,
    "params": {"sscc": "{sscc}", "count": "{count}", "code": "00{sscc}"},
}


async def store_templates(services: Services, customer_id: int) -> None:
    """Those that are not there."""
    context = Context(Actor(ActorKind.SYSTEM, customer_id, "", "demo", _MAY), services)
    known = {one.name for one in await resolvers.templates(context, PRINTER)}
    for template in _TEMPLATES:
        if template["name"] not in known:
            await resolvers.create_template(context, PRINTER, template)
