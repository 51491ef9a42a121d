"""Commands: frozen, validated inputs that every face builds and every resolver takes."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.kernel.errors import ValidationFailed


class Command(BaseModel):
    """Imperative name, no framework types. Text that may be printed is kept as it came."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Builds one, or raises ValidationFailed that names the first wrong field."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise refused(error) from error


def refused(error: ValidationError) -> ValidationFailed:
    """pydantic's findings as ours: the first as the headline, all in `errors`."""
    found = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "reason": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ValidationFailed(found[0]["field"], found[0]["reason"], errors=found)
