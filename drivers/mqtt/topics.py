"""Where gateways publish: `{prefix}/gateway/{id or thing name}`."""

import re
from typing import Final

PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{1,32}(/[A-Za-z0-9_-]{1,32}){0,7}")
"""What a prefix may be: words that mean the same as a topic of MQTT and as a subject of NATS."""
_LEVEL: Final = "gateway"


def topic_of(prefix: str, key: str) -> str:
    return f"{prefix}/{_LEVEL}/{key}"


def all_topics(prefix: str) -> str:
    """A filter for those of every gateway."""
    return topic_of(prefix, "+")


def key_in(topic: str, prefix: str) -> str | None:
    """What a topic calls its gateway; None for a topic that is none of ours."""
    begin = f"{prefix}/{_LEVEL}/"
    key = topic.removeprefix(begin)
    return key if key and key != topic and "/" not in key else None
