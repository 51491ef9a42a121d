"""The shipped profiles; what is not in this table is not shipped as verified."""

from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile, Confidence
from domain.production.codes.structure import Element, Part, digits, text


def _identity(serial_length: int) -> tuple[Element, Element]:
    return digits(Part.GTIN, 14, "01"), text(Part.SERIAL, serial_length, "21")


def _proof(ai: str, length: int) -> Element:
    return text(Part.PROOF, length, ai, after_gs=True)


_MILK = (*_identity(6), _proof("93", 4))
_BEER = (*_identity(7), _proof("93", 4))
_KEY_AND_PROOF = (_proof("91", 4), _proof("92", 44))
_HIGH, _MEDIUM, _DOCUMENTED = Confidence.HIGH, Confidence.MEDIUM, Confidence.DOCUMENTED

# `generic` lists one profile of each structure, so that a code that lost its GS is held against
# all of them. The loose ones stay out: they would make every such code ambiguous.
SHIPPED: tuple[CodeProfile, ...] = (
    CodeProfile("milk", "Dairy products", ("milk", "generic"), _MILK, _HIGH),
    CodeProfile(
        "milk-weight",
        "Dairy products sold by weight, net mass in grams",
        ("milk", "generic"),
        (*_MILK, digits(Part.OTHER, 6, "3103", after_gs=True)),
        _HIGH,
    ),
    CodeProfile(
        "okto-doc",
        "The documents' example form: a bare tail, no separator",
        ("milk",),
        (*_identity(6), text(Part.PROOF, 10, name="tail")),
        _DOCUMENTED,
        check_digit=CheckDigitPolicy.OFF,
    ),
    CodeProfile(
        "water", "Packaged water", ("water", "generic"), (*_identity(13), _proof("93", 4)), _HIGH
    ),
    CodeProfile(
        "tobacco-pack",
        "A pack: positional, with its price in four characters",
        ("tobacco",),
        (
            digits(Part.GTIN, 14),
            text(Part.SERIAL, 7),
            text(Part.OTHER, 4, name="price"),
            text(Part.PROOF, 4),
        ),
        _HIGH,
    ),
    CodeProfile(
        "tobacco-block",
        "A block of packs, with its price and at times a maker's number",
        ("tobacco", "generic"),
        (
            *_identity(7),
            digits(Part.OTHER, 6, "8005", after_gs=True),
            _proof("93", 4),
            Element(Part.OTHER, 1, 30, "240", after_gs=True, optional=True),
        ),
        _HIGH,
    ),
    CodeProfile("beer", "Beer in bottles and cans", ("beer", "generic"), _BEER, _MEDIUM),
    CodeProfile(
        "beer-keg",
        "Beer in kegs, with its volume",
        ("beer", "generic"),
        (*_BEER, digits(Part.OTHER, 6, "335n", after_gs=True)),
        _MEDIUM,
    ),
    CodeProfile(
        "supplements",
        "Food supplements",
        ("supplements", "generic"),
        (*_identity(13), *_KEY_AND_PROOF),
        _MEDIUM,
    ),
    CodeProfile("clothing", "Clothing", ("clothing",), (*_identity(13), *_KEY_AND_PROOF), _MEDIUM),
    CodeProfile(
        "medicines", "Medicines", ("medicines",), (*_identity(13), *_KEY_AND_PROOF), _MEDIUM
    ),
    CodeProfile(
        "shoes",
        "Shoes",
        ("shoes", "generic"),
        (*_identity(13), _proof("91", 4), _proof("92", 88)),
        _MEDIUM,
    ),
    CodeProfile(
        "photo",
        "Cameras and flashes",
        ("photo", "generic"),
        (*_identity(20), *_KEY_AND_PROOF),
        _MEDIUM,
    ),
    CodeProfile(
        "generic",
        "Any GS1 code with a GTIN and a serial",
        ("generic",),
        (digits(Part.GTIN, 14, "01"), Element(Part.SERIAL, 1, 20, "21")),
        _DOCUMENTED,
        is_open=True,
    ),
    CodeProfile(
        "sscc",
        "A pallet's or case's label",
        (),
        (digits(Part.SSCC, 18, "00"),),
        _HIGH,
        check_digit=CheckDigitPolicy.STRICT,
        everywhere=True,
    ),
)
