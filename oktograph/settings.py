"""Settings: environment variables `OKTOGRAPH_…`, a `.env`, and what the command line says."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEMO_CLOUD_PORT = 8090


class Settings(BaseSettings):
    """Each is documented by `oktograph serve --help` or the README."""

    model_config = SettingsConfigDict(
        env_prefix="OKTOGRAPH_", env_file=".env", extra="ignore", frozen=True
    )

    host: str = "127.0.0.1"
    edge_port: int = Field(8080, ge=0, le=65535)
    factory_port: int = Field(8081, ge=0, le=65535)
    data_dir: Path = Path("data")
    demo: bool = False
    demo_rate: float = Field(5.0, ge=0, le=1000)

    edge_database_url: str = ""
    broadcast_url: str = "memory://"
    cloud_url: str = ""
    edge_identifier: str = "edge-001"
    industry: str = "milk"
    code_profiles: Annotated[list[dict[str, Any]], NoDecode] = []
    gs1_company_prefix: str = Field("2000000", pattern=r"^[0-9]{4,12}$")
    pack_size: int = Field(0, ge=0, le=10_000)
    pallet_size: int = Field(10, ge=1, le=1_000)
    scanners: Annotated[list[dict[str, Any]], NoDecode] = []
    mock: bool | None = None

    token_lifetime_h: float = Field(12.0, gt=0, le=24 * 31)
    rate_limits: bool = True
    throttle_url: str = "memory://"
    log_level: str = "INFO"
    log_format: str = Field("auto", pattern="^(auto|console|json)$")
    max_body_bytes: int = Field(4 * 1024 * 1024, ge=1024)
    sync_interval_s: float = Field(30.0, gt=0)
    log_retention_h: float = Field(72.0, gt=0)

    graphql_introspection: bool = True
    graphql_ide: bool = True
    graphql_trusted_only: bool = False
    allowed_origins: Annotated[list[str], NoDecode] = []

    bootstrap_password: SecretStr | None = None

    @field_validator("scanners", "code_profiles", mode="before")
    @classmethod
    def _json_list(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _comma_list(cls, value: Any) -> Any:
        return [part for part in value.split(",") if part] if isinstance(value, str) else value

    @property
    def mock_mode(self) -> bool:
        return self.demo if self.mock is None else self.mock

    @property
    def database_url(self) -> str:
        return self.edge_database_url or f"sqlite:///{self.data_dir.absolute()}/edge.db"
