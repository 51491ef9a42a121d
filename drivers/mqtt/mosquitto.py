"""A folder in which the factory keeps all that a Mosquitto of somebody's own needs: certificates,
its configuration, and who may publish what.

Mosquitto takes the common name of a certificate for the user's name. By the pattern a gateway may
publish under its thing name, and by a line of its own under its id. Whoever runs it reloads it
(SIGHUP) when the list changes.
"""

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drivers.certificates.authority import FACTORY_NAME, InstallationAuthority
from drivers.durable import replace_file
from drivers.mqtt.configuration import MAX_ACK_PENDING, Admitted
from drivers.mqtt.payload import MAX_BYTES
from drivers.mqtt.topics import all_topics, topic_of

CONFIGURATION: Final = "mosquitto.conf"
LIST: Final = "gateways.acl"
CA: Final = "ca.pem"
CERTIFICATE: Final = "broker.pem"
KEY: Final = "broker.key"


@dataclass(frozen=True, slots=True)
class MosquittoSettings:
    """`folder` is called the same where Mosquitto runs. `hosts` are the names that its certificate
    is for."""

    folder: Path
    port: int = 8883
    prefix: str = "insight"
    hosts: tuple[str, ...] = ()


class MosquittoFiles:
    """Written whole at each start of the factory; the list whenever it changes."""

    def __init__(self, settings: MosquittoSettings, authority: InstallationAuthority) -> None:
        self._settings = settings
        self._authority = authority
        self._written: str | None = None

    async def admit(self, gateways: Iterable[Admitted]) -> None:
        """The list first: a Mosquitto that finds its configuration finds everything."""
        wanted = access_list(self._settings.prefix, sorted(gateways))
        if wanted == self._written:
            return
        is_first = self._written is None
        await asyncio.to_thread(self._write, wanted, whole=is_first)
        self._written = wanted

    def _write(self, wanted: str, *, whole: bool) -> None:
        folder = self._settings.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / LIST, wanted.encode())
        if whole:
            pair = self._authority.broker_pair(self._settings.hosts)
            replace_file(folder / CA, self._authority.certificate_pem)
            replace_file(folder / CERTIFICATE, pair.certificate)
            replace_file(folder / KEY, pair.key)
            replace_file(folder / CONFIGURATION, configuration(self._settings).encode())


def access_list(prefix: str, gateways: Iterable[Admitted]) -> str:
    lines = [
        f"pattern write {topic_of(prefix, '%u')}",
        "",
        f"user {FACTORY_NAME}",
        f"topic read {all_topics(prefix)}",
    ]
    for one in gateways:
        topics = (topic_of(prefix, key) for key in (str(uuid.UUID(one.id)), one.id))
        lines += ["", f"user {one.thing_name}", *(f"topic write {topic}" for topic in topics)]
    return "\n".join(lines) + "\n"


def configuration(settings: MosquittoSettings) -> str:
    folder = settings.folder
    lines = [
        f"listener {settings.port}",
        f"cafile {folder / CA}",
        f"certfile {folder / CERTIFICATE}",
        f"keyfile {folder / KEY}",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        f"acl_file {folder / LIST}",
        f"message_size_limit {8 * MAX_BYTES}",
        # What waits for the factory waits on disk, and no gateway's message is thrown away.
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 5",
        f"max_inflight_messages {MAX_ACK_PENDING}",
        "max_queued_messages 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    return "\n".join(lines) + "\n"
