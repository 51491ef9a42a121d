"""Refusals of the devices' own API: `{message}`, with the status that HTTP has for them."""

from typing import Final

from compat_rest.kernel.errors import HTTP_STATUSES, ErrorPresenter
from compat_rest.kernel.message_errors import shape

ERRORS: Final = ErrorPresenter(HTTP_STATUSES, shape)
