"""What paths name."""

from typing import Annotated, Final

from fastapi import Path
from pydantic import StringConstraints

from domain.software.commands import Name, VersionText

AppName = Annotated[Name, Path(description="What the software is of")]
SoftwareVersion = Annotated[VersionText, Path(description="SemVer 2.0.0")]
SoftwareFile = Annotated[
    str, StringConstraints(max_length=30, pattern=r"^\.*[a-z0-9_-][a-z0-9._-]*$")
]
"""`a-z0-9._-`, 1 to 30 of them, and more than dots: no path can be made of it."""
FileName = Annotated[SoftwareFile, Path(description="Of the version's file")]
VERSIONS: Final = "/api/v1/applications/{appName}/software"
VERSION: Final = VERSIONS + "/{softwareVersion}"
FILES: Final = VERSION + "/files"
