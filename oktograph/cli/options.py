"""Options that several commands share, and how a command gets its settings."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from oktograph.settings import Place, Settings

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Databases and keys  [default: ./data]")
]

Of = Annotated[Place, typer.Option("--of", help="The edge's database or the factory's")]


def settings_with(**given: Any) -> Settings:
    """Environment and `.env`, overruled by the options that were given; ends with a message that
    names the variable where one is wrong."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except (ValidationError, ValueError) as error:
        typer.echo(f"Settings: {_reason(error)}", err=True)
        raise typer.Exit(2) from error


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"OKTOGRAPH_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
        for item in error.errors(include_url=False)
    )
