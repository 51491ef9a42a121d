"""Ed25519 signatures of artifacts (RFC 8032), made over the 32 bytes of the sha256."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.kernel.errors import ValidationFailed

KEY_BYTES = 32


class TrustedKeys:
    """A `SignatureVerifier` on public keys by their id. Raises ValueError for what is no key."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {
            key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in keys.items()
        }

    @classmethod
    def from_text(cls, keys: Mapping[str, str]) -> "TrustedKeys":
        """From base64, as settings hold them."""
        return cls({key_id: b64decode(text, validate=True) for key_id, text in keys.items()})

    def verify(self, sha256: str, signature: str, key_id: str | None) -> None:
        try:
            digest, raw = bytes.fromhex(sha256), b64decode(signature, validate=True)
        except (ValueError, Base64Error):
            raise ValidationFailed("signature", "not a signature") from None
        if key_id is not None and key_id not in self._keys:
            raise ValidationFailed("keyId", "not a key that is trusted here")
        tried = self._keys.values() if key_id is None else [self._keys[key_id]]
        if not any(_made_by(key, raw, digest) for key in tried):
            raise ValidationFailed("signature", "no trusted key made it over this artifact")


def _made_by(key: Ed25519PublicKey, signature: bytes, digest: bytes) -> bool:
    try:
        key.verify(signature, digest)
    except InvalidSignature:
        return False
    return True
