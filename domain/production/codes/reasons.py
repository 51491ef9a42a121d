"""Why a code was not accepted: closed machine reasons, and a message for people for each."""

from collections.abc import Iterable
from enum import StrEnum


class CodeReason(StrEnum):
    """ALREADY_CONSUMED, DISABLED, DUPLICATE and NOT_IN_BUFFER are verdicts of later stages; a
    reading never has them."""

    ALREADY_CONSUMED = "ALREADY_CONSUMED"
    AMBIGUOUS = "AMBIGUOUS"
    BAD_CHARACTER = "BAD_CHARACTER"
    BAD_CHECK_DIGIT = "BAD_CHECK_DIGIT"
    BAD_LENGTH = "BAD_LENGTH"
    BAD_VALUE = "BAD_VALUE"
    DISABLED = "DISABLED"
    DUPLICATE = "DUPLICATE"
    EMPTY = "EMPTY"
    NOT_IN_BUFFER = "NOT_IN_BUFFER"
    NO_GTIN = "NO_GTIN"
    NO_PROFILE = "NO_PROFILE"
    NO_READ = "NO_READ"
    NO_SERIAL = "NO_SERIAL"
    OUT_OF_DATE = "OUT_OF_DATE"
    UNKNOWN_AI = "UNKNOWN_AI"
    WRONG_INDUSTRY = "WRONG_INDUSTRY"


class CodeWarning(StrEnum):
    """What an accepted code is accepted in spite of."""

    CHECK_DIGIT_FAILED = "CHECK_DIGIT_FAILED"


# The text for a wrong length is documented and clients compare it.
_MESSAGES = {
    CodeReason.ALREADY_CONSUMED: "The code was consumed before",
    CodeReason.AMBIGUOUS: "Separators are missing and the code can be read in several ways",
    CodeReason.BAD_CHARACTER: "The code holds a character that GS1 codes cannot have",
    CodeReason.BAD_CHECK_DIGIT: "Check digit does not match",
    CodeReason.BAD_LENGTH: "Invalid code length for industry",
    CodeReason.BAD_VALUE: "An element of the code does not have the form of its identifier",
    CodeReason.DISABLED: "This edge is disabled: the read is kept and makes no bottle",
    CodeReason.DUPLICATE: "The code was scanned before",
    CodeReason.EMPTY: "The code is empty",
    CodeReason.NOT_IN_BUFFER: "The code is not among those ordered",
    CodeReason.NO_GTIN: "The code has no GTIN",
    CodeReason.NO_PROFILE: "The code does not have the structure of the industry's codes",
    CodeReason.NO_READ: "The scanner could not read the code",
    CodeReason.NO_SERIAL: "The code has no serial number",
    CodeReason.OUT_OF_DATE: "Codes of this kind are not valid on this day",
    CodeReason.UNKNOWN_AI: "The code holds an unknown application identifier",
    CodeReason.WRONG_INDUSTRY: "The code belongs to another industry",
}


def message_for(reason: CodeReason, about: Iterable[str] = ()) -> str:
    """`about` are industries or profiles to name, except where the text is fixed."""
    names = ", ".join(dict.fromkeys(about))
    text = _MESSAGES[reason]
    return f"{text}: {names}" if names and reason is not CodeReason.BAD_LENGTH else text
