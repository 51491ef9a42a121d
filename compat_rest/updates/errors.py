"""Refusals of the devices' own API: `{message}`, with the status that HTTP has for them."""

from typing import Final

from compat_rest.kernel.errors import ErrorPresenter
from compat_rest.kernel.message_errors import shape
from graph.http_statuses import HTTP_STATUSES

ERRORS: Final = ErrorPresenter(HTTP_STATUSES, shape)
