"""Column types as they were when a revision was written, free of today's models."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

ID = sa.LargeBinary(16).with_variant(postgresql.UUID(), "postgresql")
"""An id: 16 bytes."""
