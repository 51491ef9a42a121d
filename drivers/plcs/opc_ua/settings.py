"""What an OPC UA server is reached with."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from drivers.configuration import DeviceModel


class UaSecurityPolicy(StrEnum):
    """Those that OPC UA 1.05 does not deprecate, and none at all."""

    NONE = "NONE"
    BASIC256SHA256 = "BASIC256SHA256"
    AES128_SHA256_RSAOAEP = "AES128_SHA256_RSAOAEP"
    AES256_SHA256_RSAPSS = "AES256_SHA256_RSAPSS"


class UaSecurityMode(StrEnum):
    SIGN = "SIGN"
    SIGN_AND_ENCRYPT = "SIGN_AND_ENCRYPT"


# Checked also where it is not given: it may be missing for what was given before it.
FilePath = Annotated[str | None, Field(min_length=1, max_length=1024, validate_default=True)]
Secret = Annotated[SecretStr | None, Field(min_length=1, max_length=1024, validate_default=True)]


class OpcUaSettings(DeviceModel):
    """`path` is what follows host and port in the server's URL.

    With a policy, the edge shows a certificate of its own: `certificate_path` with
    `private_key_path` (PEM or DER), or one that it makes in `certificate_folder` when there is
    none. `trusted_certificate_path` is a certificate, or a folder of them: a server that shows
    another is refused. Unset, any is taken. `queue_size`: values of one tag that the server keeps
    between two publishings, the oldest dropped beyond.
    """

    path: str = Field(default="", max_length=255, pattern=r"^(/[!-~]*)?$")
    security_policy: UaSecurityPolicy = UaSecurityPolicy.NONE
    security_mode: UaSecurityMode = UaSecurityMode.SIGN_AND_ENCRYPT
    certificate_path: FilePath = None
    private_key_path: FilePath = None
    private_key_password: Secret = None
    certificate_folder: FilePath = None
    trusted_certificate_path: FilePath = None
    username: str | None = Field(default=None, min_length=1, max_length=255)
    password: Secret = None
    publishing_interval_s: float = Field(default=0.1, ge=0.01, le=60)
    queue_size: int = Field(default=10, ge=1, le=1000)

    @property
    def is_secured(self) -> bool:
        return self.security_policy is not UaSecurityPolicy.NONE

    @field_validator("private_key_path", "password")
    @classmethod
    def _comes_with_its_other_half(
        cls, value: str | SecretStr | None, info: ValidationInfo
    ) -> str | SecretStr | None:
        other = "username" if info.field_name == "password" else "certificate_path"
        if other in info.data and (info.data[other] is None) != (value is None):
            raise ValueError(f"with a {other}, and only with one")
        return value

    @field_validator("private_key_password")
    @classmethod
    def _opens_a_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("private_key_path") is None:
            raise ValueError("only with a private_key_path")
        return value

    @field_validator("certificate_folder")
    @classmethod
    def _policy_needs_a_certificate(cls, value: str | None, info: ValidationInfo) -> str | None:
        secured = info.data.get("security_policy") not in (None, UaSecurityPolicy.NONE)
        if secured and value is None and info.data.get("certificate_path") is None:
            raise ValueError("needed by the security policy where there is no certificate_path")
        return value

    @field_validator("trusted_certificate_path")
    @classmethod
    def _trust_needs_a_policy(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("security_policy") is UaSecurityPolicy.NONE:
            raise ValueError("a server proves its certificate only under a security policy")
        return value
