"""Secrets in the settings of devices: sealed where they are stored, masked where they are shown.

A masked secret that comes back stands for the one that is stored, so that a client may send what
it was shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from domain.kernel.errors import Conflict, ValidationFailed
from domain.line.models import HardwareKind
from drivers.secrets.fernet import FernetBox
from oktograph.edge.hardware import Documents, Hardware

MASK: Final = "**********"
_SEALED: Final = "sealed:"
# What names an item of a list, whatever else of it changes.
_IDENTITIES: Final = ("id", "index", "name")
Json = Any


def shown(parsed: Any) -> Json:
    """Settings as people may see them, with everything that holds for them."""
    if isinstance(parsed, BaseModel):
        return parsed.model_dump(mode="json", by_alias=True, exclude_none=True)
    if isinstance(parsed, Sequence):
        return [shown(one) for one in parsed]
    return parsed


class DeviceSecrets:
    def __init__(self, box: FernetBox) -> None:
        self._box = box

    def opened(self, documents: Documents) -> Documents:
        """Raises ValidationFailed for what was sealed elsewhere."""
        return {kind: self._opened(str(kind), value) for kind, value in documents.items()}

    def storable(self, kind: HardwareKind, parsed: Hardware, stored: Documents) -> Json:
        """What was parsed of a kind as it may be stored; `stored` is what is there now."""
        models, before = parsed.of(kind), stored.get(kind)
        if isinstance(models, BaseModel):
            return self._sealed(str(kind), models, before)
        if models is None:
            return None
        return [
            self._sealed(f"{kind}.{at}", model, _same(model, before))
            for at, model in enumerate(models)
        ]

    def _sealed(self, path: str, model: BaseModel, before: Json) -> Json:
        found: dict[str, Json] = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
        self._seal(path, model, found, before if isinstance(before, Mapping) else {})
        return found

    def _seal(
        self, path: str, model: BaseModel, dumped: dict[str, Json], before: Mapping[str, Json]
    ) -> None:
        for alias, name, value in _parts(model):
            if alias not in dumped:
                continue
            was = before.get(alias, before.get(name))
            where = f"{path}.{alias}"
            if isinstance(value, SecretStr):
                dumped[alias] = self._secret(where, value.get_secret_value(), was)
            elif isinstance(value, BaseModel):
                self._seal(where, value, dumped[alias], was if isinstance(was, Mapping) else {})

    def _secret(self, path: str, given: str, before: Json) -> str:
        if given != MASK:
            return _SEALED + self._box.seal(given) if given else ""
        if not isinstance(before, str):
            raise ValidationFailed(path, "this mask stands for nothing: give the secret itself")
        if not before or before.startswith(_SEALED):
            return before
        return _SEALED + self._box.seal(before)

    def _opened(self, path: str, value: Json) -> Json:
        if isinstance(value, Mapping):
            return {key: self._opened(f"{path}.{key}", one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._opened(f"{path}.{at}", one) for at, one in enumerate(value)]
        if isinstance(value, str) and value.startswith(_SEALED):
            try:
                return self._box.open(value.removeprefix(_SEALED))
            except Conflict as error:
                raise ValidationFailed(path, "was sealed elsewhere: give the secret") from error
        return value


def _parts(model: BaseModel) -> Iterator[tuple[str, str, Any]]:
    for name, field in type(model).model_fields.items():
        yield field.alias or name, name, getattr(model, name)


def _same(model: BaseModel, before: Json) -> Json:
    if not isinstance(before, Sequence):
        return None
    for name in _IDENTITIES:
        if name in type(model).model_fields:
            own = getattr(model, name)
            return next((one for one in before if one.get(name) == own), None)
    return None
