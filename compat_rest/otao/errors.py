"""Refusals of the over-the-air orchestrator: `{message}`. What contradicts what is there is wrong
input too; whoever may not see a thing hears that it is not there."""

from collections.abc import Mapping
from typing import Final

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.message_errors import shape
from domain.kernel.errors import ErrorCode
from graph.http_statuses import HTTP_STATUSES

STATUSES: Final[Mapping[ErrorCode, int]] = {**HTTP_STATUSES, ErrorCode.CONFLICT: 400}
ERRORS: Final = ErrorPresenter(STATUSES, shape)
