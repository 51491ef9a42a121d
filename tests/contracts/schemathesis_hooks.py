"""What schemathesis cannot know: how a marking code and a time look, and what a refusal of the
graph may be. Loaded by its command line."""

import os
import re
from collections.abc import Callable
from random import Random
from typing import Any, TypeGuard, TypeVar
from uuid import uuid4

import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.graphql import nodes

from domain.kernel.errors import ErrorCode
from domain.production.codes import DEFAULT_CATALOGUE, generate_code

Hook = TypeVar("Hook", bound=Callable[..., Any])

MILK = DEFAULT_CATALOGUE.profile("milk")
CODES = frozenset(ErrorCode) - {ErrorCode.SERVER_ERROR}

marking_codes = st.integers(0, 2**32 - 1).map(lambda seed: generate_code(MILK, Random(seed)))
schemathesis.openapi.format("marking-code", marking_codes)

moments = st.datetimes().map(lambda moment: nodes.String(f"{moment.isoformat()}Z"))
schemathesis.graphql.scalar("DateTime", moments)
# No null: schemathesis would put it where the schema forbids it, and adds its own where it may be.
values = st.sampled_from([nodes.Int(1), nodes.String("text"), nodes.Object([])])
schemathesis.graphql.scalar("JSON", values)


schemathesis.openapi.format("time-zone", st.sampled_from(["UTC", "Europe/Moscow", "Asia/Tokyo"]))


def hook(name: str, operation_id: str | list[str]) -> Callable[[Hook], Hook]:
    """For these operations alone; the library adds `apply_to` where no type can see it."""
    registering: Any = schemathesis.hook(name)
    found: Callable[[Hook], Hook] = registering.apply_to(operation_id=operation_id)
    return found


@hook("map_body", "add_bottles_to_batch")
def bottles_that_are_there(_context: HookContext, body: Any) -> Any:
    """Bottles that are there: with invented ones the answer is 404 for them, which schemathesis
    would take for the batch's."""
    bottles = os.environ["EDGE_BOTTLES"].split(",")
    if (
        isinstance(body, list)
        and 0 < len(body) <= 100
        and all(isinstance(key, str) for key in body)
    ):
        return [bottles[sum(map(len, body)) % len(bottles)]]
    return body


@hook("map_body", "load_buffer")
def a_batch_that_is_there(_context: HookContext, body: Any) -> Any:
    """An invented one is there by chance alone, and then nothing that follows is reached."""
    named = body.get("batchIdentifier") if isinstance(body, dict) else None
    if isinstance(named, str) and 0 < len(named) <= 512 and "\0" not in named:
        body["batchIdentifier"] = os.environ["EDGE_BATCH"]
    return body


@hook("map_body", "receive_delivery")
def each_id_once(_context: HookContext, body: Any) -> Any:
    """No schema can say that ids of a delivery differ, over three lists."""
    seen: set[str] = set()
    for name in ("bottles", "batches", "pallets") if isinstance(body, dict) else ():
        items = body.get(name)
        if isinstance(items, list):
            body[name] = [item for item in items if is_new(item, seen)]
    return body


DEVICES = ["put_scanners", "put_plcs", "put_printers"]


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: Any) -> None:
    """Devices that are configured are dialled: nobody outside this machine, and no port that
    somebody may listen on."""
    definition = getattr(case.operation, "definition", None)
    known = getattr(definition, "raw", None)
    if not isinstance(known, dict) or known.get("operationId") not in DEVICES:
        return  # the graph, too
    if not meant_well(case):
        return
    for item in case.body if isinstance(case.body, list) else ():
        if isinstance(item, dict) and isinstance(item.get("host"), str):
            item["host"] = "127.0.0.1"
        port = item.get("port") if isinstance(item, dict) else None
        if isinstance(item, dict) and isinstance(port, int) and port > 0:
            item["port"] = 1


DOCUMENTS = [
    *("set_configuration", "dispatch_command", "dispatch_group_command"),
    *("create_device", "update_device", "update_device_status", "update_device_configuration"),
    *("create_software", "update_software"),
]


@hook("map_body", DOCUMENTS)
def without_nul(_context: HookContext, body: Any) -> Any:
    """A document of any shape: that no text of it may hold NUL, no schema can say."""
    if isinstance(body, str):
        return body.replace("\0", "")
    if isinstance(body, list):
        return [without_nul(_context, item) for item in body]
    if isinstance(body, dict):
        return {without_nul(_context, key): without_nul(_context, body[key]) for key in body}
    return body


@hook("before_call", "create_device")
def fresh_keys(_context: HookContext, case: Case[Any], **_: Any) -> None:
    """A device's key that is taken is refused with 400, as its clients know it: keys are made anew
    in every call."""
    devices = case.body if isinstance(case.body, list) else [case.body]
    for device in devices:
        key = device.get("device_id") if isinstance(device, dict) else None
        if isinstance(device, dict) and is_key(key):
            device["device_id"] = f"{key[:90]}-{uuid4().hex}"


@hook("before_call", ["delete_user", "update_user"])
def nobody_who_is_needed(_context: HookContext, case: Case[Any], **_: Any) -> None:
    """Ids are taken from answers, and so is the caller's own: what the others need stays."""
    wanted = str((case.path_parameters or {}).get("user_id", ""))
    if wanted.replace("-", "").lower() in os.environ.get("INSIGHT_KEPT_USERS", "").split(","):
        case.path_parameters["user_id"] = str(uuid4())


@hook("before_call", "create_software")
def fresh_versions(_context: HookContext, case: Case[Any], **_: Any) -> None:
    """A version that is there is refused with 400, as its clients know it. A new one is higher than
    any way to it can name by chance."""
    if meant_well(case) and isinstance(case.path_parameters, dict):
        case.path_parameters["softwareVersion"] = f"1.0.0-{uuid4().hex}"


def is_key(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and re.fullmatch(r"[^\x00-\x20\x7f/]{1,128}", value) is not None


def is_new(item: Any, seen: set[str]) -> bool:
    """Whether an item of a delivery has an id that was not there yet, or none at all."""
    key = item.get("id") if isinstance(item, dict) else None
    if not isinstance(key, str):
        return True
    known = key in seen
    seen.add(key)
    return not known


@schemathesis.check
def typed_refusals(_ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every error of the graph has a code of the closed list; none is a fault of ours; a document
    that the schema allows is refused unexecuted only for its size."""
    if type(case.operation.schema).__name__ != "GraphQLSchema":
        return
    assert response.status_code == 200, f"HTTP {response.status_code}"
    answer = response.json()
    for error in answer.get("errors", ()):
        extensions = error["extensions"]
        assert extensions["code"] in CODES, f"a fault of the server: {error}"
        if "data" not in answer and meant_well(case):
            assert extensions["details"]["reason"] == "LIMIT_EXCEEDED", error


def meant_well(case: Case[Any]) -> bool:
    """Whether the document is one that the schema allows."""
    return case.meta is None or case.meta.generation.mode.is_positive
