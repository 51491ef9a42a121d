"""The contracts that come straight from the code, as texts. Nothing is started for them."""

from dataclasses import dataclass
from typing import Final

from compat_rest.insight.app import DIALECT as INSIGHT
from compat_rest.kernel.dialect import Dialect, dialect_app
from compat_rest.okto_edge.app import DIALECT as OKTO_EDGE
from compat_rest.okto_factory.app import DIALECT as OKTO_FACTORY
from compat_rest.ontakt.app import DIALECT as ONTAKT
from compat_rest.otao.app import DIALECT as OTAO
from compat_rest.updates.app import DIALECT as UPDATES
from compat_rest.valtronics.app import DIALECT as VALTRONICS
from graph.schema import schema
from oktograph.contracts import sockets
from oktograph.contracts.asyncapi import Server, asyncapi_document
from oktograph.contracts.errors import errors_document
from oktograph.contracts.rendering import commented, json_text
from oktograph.contracts.sockets import Socket


@dataclass(frozen=True, slots=True)
class Face:
    """A dialect with its WebSockets, the service that it belongs to, that one's usual port and
    where on it the dialect is mounted."""

    dialect: Dialect
    service: str
    port: int
    sockets: tuple[Socket, ...] = ()
    prefix: str = ""


FACES: Final = (
    Face(OKTO_EDGE, "edge", 8080, sockets.EDGE),
    Face(OKTO_FACTORY, "factory", 8081, sockets.FACTORY),
    Face(INSIGHT, "factory", 8081, (), "/insight"),
    Face(OTAO, "factory", 8081, prefix="/otao"),
    Face(UPDATES, "factory", 8081, prefix="/updates"),
    Face(VALTRONICS, "factory", 8081, sockets.VALTRONICS, "/valtronics"),
    Face(ONTAKT, "factory", 8081, (), "/ontakt"),
)


def descriptions() -> dict[str, str]:
    """Relative path to text."""
    found = {
        "schema.graphql": commented("#", schema.as_str()),
        "errors.json": json_text(errors_document(tuple(face.dialect for face in FACES))),
    }
    for face in FACES:
        name = face.dialect.name
        app = dialect_app(face.dialect)
        found[f"openapi/{name}.json"] = json_text(app.openapi())
        if face.sockets:
            server = Server(face.service, face.port, face.prefix)
            document = asyncapi_document(face.dialect, face.sockets, server)
            found[f"asyncapi/{name}.json"] = json_text(document)
    return found
