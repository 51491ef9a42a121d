"""What a configuration may say, and the field that is named where it may not."""

import subprocess
import sys
from typing import Any

import pytest

from domain.kernel.clock import SystemClock
from domain.kernel.errors import ValidationFailed
from drivers.connections import Connections
from drivers.plcs.opc_ua.driver import build
from drivers.plcs.port import PlcConfig, parse_bindings, parse_plcs
from tests.support.plcs import Told

SECURED = {"security_policy": "BASIC256SHA256"}
OURS = {"certificate_path": "own.der", "private_key_path": "own.pem"}


def server(**settings: Any) -> PlcConfig:
    where = {"id": "press", "protocol": "OPC_UA", "host": "10.0.0.9"}
    return parse_plcs([{**where, "opc_ua": settings}])[0]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"path": "line"}, "path"),
        ({"path": "/li ne"}, "path"),
        ({"security_policy": "BASIC256"}, "security_policy"),
        ({"security_mode": "NONE"}, "security_mode"),
        (SECURED, "certificate_folder"),
        ({**SECURED, "certificate_path": "own.der"}, "private_key_path"),
        ({"private_key_path": "own.pem"}, "private_key_path"),
        ({"private_key_password": "x"}, "private_key_password"),
        ({"trusted_certificate_path": "theirs.der"}, "trusted_certificate_path"),
        ({"username": "line"}, "password"),
        ({"password": "secret"}, "password"),
        ({"username": "line", "password": ""}, "password"),
        ({"publishing_interval_s": 0}, "publishing_interval_s"),
        ({"queue_size": 0}, "queue_size"),
        ({"auto_reconnect": True}, "auto_reconnect"),
    ],
)
def test_what_is_refused_names_its_field(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        server(**settings)
    named = refused.value.details["field"].rpartition(".")[2]
    assert named.replace("_", "").lower() == field.replace("_", "")


def test_what_is_accepted_and_kept_secret() -> None:
    full = server(**SECURED, **OURS, username="line", password="hush", private_key_password="hush")
    assert "hush" not in repr(full)
    assert "hush" not in full.model_dump_json()
    assert full == server(
        **SECURED, **OURS, username="line", password="hush", private_key_password="hush"
    )
    assert full != server(
        **SECURED, **OURS, username="line", password="other", private_key_password="hush"
    )
    server(**SECURED, certificate_folder="pki", trusted_certificate_path="trusted")


def test_build_refuses_what_is_no_node_and_no_host() -> None:
    config = server()
    named = {"name": "reject", "plc": "press", "type": "BOOL"}
    bindings = parse_bindings([{**named, "address": "Line.Reject"}], [config])
    with pytest.raises(ValidationFailed) as refused:
        build(config, bindings, Told(), Connections(), SystemClock())
    assert refused.value.details["field"] == "bindings.reject.address"
    nowhere = config.model_copy(update={"host": ""})
    with pytest.raises(ValidationFailed) as refused:
        build(nowhere, (), Told(), Connections(), SystemClock())
    assert refused.value.details["field"] == "plcs.press.host"


def test_the_library_is_loaded_only_for_such_a_controller() -> None:
    program = (
        "import sys, drivers.plcs.port, drivers.plcs.opc_ua.driver, drivers.plcs.tcp_socket.driver;"
        "sys.exit('asyncua' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
