"""Facts of the line's configuration, past tense. The key is the override's."""

from typing import Final

STREAM: Final = "line"

# {value, actor}
OVERRIDE_SET: Final = "override.set"
# {actor}
OVERRIDE_REMOVED: Final = "override.removed"

# The key is `<printer's index>/<template's name>`: {document}
TEMPLATE_SAVED: Final = "template.saved"
TEMPLATE_REMOVED: Final = "template.removed"
