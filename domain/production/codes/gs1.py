"""GS1 arithmetic: check digits, GTIN widths, SSCC numbers, Digital Link paths.

Source: GS1 General Specifications, section 7.9 (check digits) and 3.2 (SSCC); GS1 Digital Link.
All digits are ASCII: `str.isdigit` would let other scripts through.
"""

import re
from urllib.parse import quote

from domain.kernel.errors import ValidationFailed

GTIN_WIDTHS = (8, 12, 13, 14)
SSCC_WIDTH = 18
_DIGITS = re.compile(r"[0-9]+")
_COMPANY_PREFIX = re.compile(r"[0-9]{4,12}")


def passes_mod10(digits: str) -> bool:
    """Whether the last digit makes the weighted sum a multiple of ten.

    `digits` must be ASCII digits; weights from the right are 1, 3, 1, 3, … with the check digit.
    The bytes are summed as they are: each holds its digit plus 48, which is 8 modulo ten.
    """
    octets = digits.encode()[::-1]
    thrice, once = octets[1::2], octets[0::2]
    surplus = 48 * (3 * len(thrice) + len(once))
    return (3 * sum(thrice) + sum(once) - surplus) % 10 == 0


def check_digit(body: str) -> str:
    """The digit to put behind `body` (ASCII digits without a check digit)."""
    if not _DIGITS.fullmatch(body):
        raise ValidationFailed("digits", "only digits have a check digit")
    octets = body.encode()[::-1]
    total = 3 * sum(b - 48 for b in octets[0::2]) + sum(b - 48 for b in octets[1::2])
    return str(-total % 10)


def gtin14(value: str) -> str:
    """GTIN-8, -12, -13 or -14 as 14 digits, for comparing. The check digit is not looked at."""
    if not _DIGITS.fullmatch(value) or len(value) not in GTIN_WIDTHS:
        raise ValidationFailed("gtin", "must be 8, 12, 13 or 14 digits")
    return value.zfill(14)


def is_gtin(value: str) -> bool:
    """8, 12, 13 or 14 digits whose check digit holds."""
    right_width = len(value) in GTIN_WIDTHS and _DIGITS.fullmatch(value) is not None
    return right_width and passes_mod10(value)


def sscc(extension: int, company_prefix: str, serial_reference: int) -> str:
    """18 digits: extension (0-9), company prefix (4-12 digits), reference, check digit.

    The reference is padded to what the prefix leaves of 16 digits; one that does not fit is
    refused, because cutting it would hand out a number twice.
    """
    if not 0 <= extension <= 9:
        raise ValidationFailed("extension", "must be one digit")
    if not _COMPANY_PREFIX.fullmatch(company_prefix):
        raise ValidationFailed("companyPrefix", "must be 4 to 12 digits")
    width = SSCC_WIDTH - 2 - len(company_prefix)
    reference = str(serial_reference).zfill(width)
    if serial_reference < 0 or len(reference) > width:
        raise ValidationFailed("serialReference", f"must fit {width} digits")
    body = f"{extension}{company_prefix}{reference}"
    return body + check_digit(body)


def is_sscc(value: str) -> bool:
    """18 digits whose check digit holds."""
    right_width = len(value) == SSCC_WIDTH and _DIGITS.fullmatch(value) is not None
    return right_width and passes_mod10(value)


_SSCC_ELEMENT = re.compile(r"(?:\]C1)?(?:\(00\)|00)?([0-9]{18})")


def read_sscc(text: str) -> str | None:
    """The SSCC that a logistic label says, with its AI (00) or without; None for anything else."""
    found = _SSCC_ELEMENT.fullmatch(text.strip())
    return found[1] if found and passes_mod10(found[1]) else None


def digital_link(gtin: str, serial: str) -> str:
    """Path of a GS1 Digital Link; the serial is percent-encoded whole, slashes too."""
    return f"/01/{gtin14(gtin)}/21/{quote(serial, safe='')}"
