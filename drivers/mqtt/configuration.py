"""What the bundled broker is told: who may connect, and what each may publish.

Everybody is known by the distinguished name of a certificate of our CA. A gateway may publish to
its own topic, by id or by thing name, and hear nothing; the factory may hear all gateways, and
publish nothing. Nobody gets in by the broker's other protocol, or by a name without a certificate.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from drivers.certificates.authority import FACTORY_NAME, distinguished_name
from drivers.mqtt.payload import MAX_BYTES
from drivers.mqtt.topics import all_topics, topic_of

MAX_ACK_PENDING: Final = 4_096
"""Unacknowledged at a time: what one second of a busy installation is, and room to spare."""
ACK_WAIT_S: Final = 5
"""What was not acknowledged for so long is sent again, also to a factory that has come back:
until then it waits. What it still holds it knows by its number."""
STORE_BYTES: Final = 4 * 1024**3
"""What may wait on disk while the factory is away: some ten million scans."""
NOTHING: Final = {"deny": [">"]}
INTERNAL: Final = ("$MQTT.>", "$JS.>", "$SYS.>")
"""Where the broker keeps others' messages: some versions let every client of MQTT write there
unless that is denied by name (their pull request 7637)."""


class Admitted(NamedTuple):
    """A gateway as the broker knows it: `id` is plain, 32 hex digits."""

    thing_name: str
    id: str


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """`port` 0 takes a free one, and keeps it as long as the broker is looked after. `hosts` are
    the names that its certificate is for. `sync` writes each message through to the disk before it
    is acknowledged."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    prefix: str = "insight"
    hosts: tuple[str, ...] = ()
    sync: bool = True

    @property
    def certificate(self) -> Path:
        return self.folder / "broker.pem"

    @property
    def key(self) -> Path:
        return self.folder / "broker.key"

    @property
    def authority(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def configuration(self) -> Path:
        return self.folder / "broker.conf"

    @property
    def pid(self) -> Path:
        return self.folder / "broker.pid"


def document(settings: BrokerSettings, port: int, admitted: Iterable[Admitted]) -> bytes:
    """JSON, which its configuration language includes."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    tls = {
        "cert_file": str(settings.certificate),
        "key_file": str(settings.key),
        "ca_file": str(settings.authority),
        "verify_and_map": True,
        "timeout": 5,
    }
    found: dict[str, Any] = {
        "server_name": "oktograph",
        # The protocol of its own, which nobody is let in by; it cannot be turned off.
        "listen": "127.0.0.1:-1",
        "pid_file": str(settings.pid),
        "logtime": False,
        # The longest event, its topic and what JetStream adds, with room for what is refused.
        "max_payload": 8 * MAX_BYTES,
        "jetstream": {
            "store_dir": str(settings.folder / "store"),
            "max_file_store": STORE_BYTES,
            **({"sync_interval": "always"} if settings.sync else {}),
        },
        "mqtt": {
            "listen": f"{host}:{port or -1}",
            "tls": tls,
            "ack_wait": f"{ACK_WAIT_S}s",
            "max_ack_pending": MAX_ACK_PENDING,
        },
        "authorization": {"timeout": 5, "users": _users(settings.prefix, admitted)},
    }
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _users(prefix: str, admitted: Iterable[Admitted]) -> list[dict[str, Any]]:
    factory = _user(FACTORY_NAME, NOTHING, {"allow": [_subject(all_topics(prefix))]})
    return [factory, *(_gateway(prefix, one) for one in admitted)]


def _gateway(prefix: str, one: Admitted) -> dict[str, Any]:
    keys = (one.thing_name, one.id, str(uuid.UUID(one.id)))
    topics = [_subject(topic_of(prefix, key)) for key in keys]
    return _user(one.thing_name, {"allow": topics, "deny": list(INTERNAL)}, NOTHING)


def _user(name: str, publish: dict[str, Any], subscribe: dict[str, Any]) -> dict[str, Any]:
    return {
        "user": distinguished_name(name),
        "permissions": {"publish": publish, "subscribe": subscribe},
        "allowed_connection_types": ["MQTT"],
    }


def _subject(topic: str) -> str:
    """A topic of words (as `PREFIX` and thing names are) as NATS calls it."""
    return topic.replace("/", ".").replace("+", "*")
