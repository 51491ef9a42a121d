"""The documents that clients of ours send; in trusted-only mode no other is executed."""

from hashlib import sha256
from pathlib import Path

OPERATIONS = Path(__file__).parent.parent / "frontend_contracts" / "operations"


def trusted_documents() -> dict[str, str]:
    """SHA-256 to text, of `frontend_contracts/operations/*.graphql`."""
    texts = [path.read_text() for path in sorted(OPERATIONS.glob("*.graphql"))]
    return {sha256(text.encode()).hexdigest(): text for text in texts}
