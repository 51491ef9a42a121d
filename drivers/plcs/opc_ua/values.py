"""IEC 61131-3 types as OPC UA has them (the mapping of OPC 30000), and values both ways; pure."""

from collections.abc import Mapping

from asyncua import ua

from domain.kernel.errors import ValidationFailed
from drivers.plcs import codec
from drivers.plcs.tags import Quality, Scalar, TagBinding, TagRefused, TagType

VARIANTS: Mapping[TagType, ua.VariantType] = {
    TagType.BOOL: ua.VariantType.Boolean,
    TagType.SINT: ua.VariantType.SByte,
    TagType.INT: ua.VariantType.Int16,
    TagType.DINT: ua.VariantType.Int32,
    TagType.LINT: ua.VariantType.Int64,
    TagType.USINT: ua.VariantType.Byte,
    TagType.UINT: ua.VariantType.UInt16,
    TagType.UDINT: ua.VariantType.UInt32,
    TagType.ULINT: ua.VariantType.UInt64,
    TagType.REAL: ua.VariantType.Float,
    TagType.LREAL: ua.VariantType.Double,
    TagType.STRING: ua.VariantType.String,
}
_TYPES: Mapping[ua.VariantType, TagType] = {kind: name for name, kind in VARIANTS.items()}
# Structure, DataValue, BaseDataType and DiagnosticInfo say nothing of how a value is encoded.
_ABSTRACT = (22, 23, 24, 25)
_OVERFLOW = 0x480


def type_name(kind: ua.VariantType, *, is_array: bool = False) -> str:
    """The tag type's where there is one, else OPC UA's own; `DINT[]` for an array."""
    known = _TYPES.get(kind)
    return (known.value if known is not None else kind.name) + ("[]" if is_array else "")


def built_in(data_type: object) -> ua.VariantType | None:
    """What a DataType attribute says by itself; None where its supertypes must be asked."""
    if not isinstance(data_type, ua.NodeId) or data_type.NamespaceIndex != 0:
        return None
    number = data_type.Identifier
    if not isinstance(number, int) or not 1 <= number <= 25 or number in _ABSTRACT:
        return None
    return ua.VariantType(number)


def fitting(binding: TagBinding, kind: ua.VariantType, *, is_array: bool) -> ua.VariantType:
    """Raises TagRefused where the node is not of the type that the binding says."""
    if is_array or kind is not VARIANTS[binding.type]:
        found = type_name(kind, is_array=is_array)
        raise TagRefused(f"is {found} in the controller, {binding.type} in the binding")
    return kind


def to_variant(binding: TagBinding, value: Scalar) -> ua.Variant:
    """Raises ValidationFailed for what the tag cannot hold."""
    raw = _text(binding, value) if binding.type is TagType.STRING else codec.to_raw(binding, value)
    return ua.Variant(raw, VARIANTS[binding.type])


def to_shown(binding: TagBinding, variant: ua.Variant | None) -> Scalar:
    """Raises TagRefused for no value, and for one of another type."""
    if variant is None or variant.Value is None or variant.VariantType is ua.VariantType.Null:
        raise TagRefused("has no value in the controller")
    fitting(binding, variant.VariantType, is_array=isinstance(variant.Value, list))
    shown = codec.to_shown(binding, variant.Value)
    if isinstance(shown, str) and len(shown) > (binding.length or 0):
        raise TagRefused(f"holds more than {binding.length} characters")
    return shown


def quality(status: ua.StatusCode | None) -> Quality:
    """A status that is left out is Good."""
    if status is None or status.is_good():
        return Quality.GOOD
    return Quality.UNCERTAIN if status.is_uncertain() else Quality.BAD


def has_overflowed(status: ua.StatusCode | None) -> bool:
    """Whether the server dropped older values of the tag before this one (part 4, 7.39)."""
    return status is not None and status.value & _OVERFLOW == _OVERFLOW


def said(status: ua.StatusCode | None) -> str:
    """For people: the name that a manual has it under, and what it means."""
    if status is None:
        return "no answer"
    return f"{status.name}: {status.doc.rstrip('.')}" if status.doc else str(status.name)


def _text(binding: TagBinding, value: Scalar) -> str:
    """Unlike the strings of other controllers these are of characters, not of bytes."""
    if not isinstance(value, str):
        raise ValidationFailed(binding.name, "a text")
    if len(value) > (binding.length or 0):
        raise ValidationFailed(binding.name, f"at most {binding.length} characters")
    if "\0" in value:
        raise ValidationFailed(binding.name, "a NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationFailed(binding.name, "half a character") from None
    return value
