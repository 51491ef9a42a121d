"""Facts of the catalogues, past tense. Their payloads carry the row; the key is its id."""

from typing import Final

STREAM: Final = "catalog"
# Behind `cloud_endpoint.`, `site.` and `variant.`.
ADDED: Final = "added"
REMOVED: Final = "removed"
