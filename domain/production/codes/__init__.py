"""Marking codes: normalising what scanners send, reading it by profile, making valid ones."""

from domain.production.codes.catalogue import DEFAULT_CATALOGUE, ProfileCatalogue
from domain.production.codes.generate import generate_code
from domain.production.codes.gs1 import (
    check_digit,
    digital_link,
    gtin14,
    is_gtin,
    is_sscc,
    passes_mod10,
    read_sscc,
    sscc,
)
from domain.production.codes.no_reads import DEFAULT_NO_READS, NoReads
from domain.production.codes.normalise import Normalised, decode_frame, normalise
from domain.production.codes.profiles import CheckDigitPolicy, CodeProfile, Confidence, Industry
from domain.production.codes.reading import read_code
from domain.production.codes.reasons import CodeReason, CodeWarning, message_for
from domain.production.codes.shipped import SHIPPED
from domain.production.codes.specs import CodeProfileSpec, ElementSpec, load_profiles
from domain.production.codes.structure import GS, Characters, Element, Part
from domain.production.codes.verdict import Reading

__all__ = [
    "DEFAULT_CATALOGUE",
    "DEFAULT_NO_READS",
    "GS",
    "SHIPPED",
    "Characters",
    "CheckDigitPolicy",
    "CodeProfile",
    "CodeProfileSpec",
    "CodeReason",
    "CodeWarning",
    "Confidence",
    "Element",
    "ElementSpec",
    "Industry",
    "NoReads",
    "Normalised",
    "Part",
    "ProfileCatalogue",
    "Reading",
    "check_digit",
    "decode_frame",
    "digital_link",
    "generate_code",
    "gtin14",
    "is_gtin",
    "is_sscc",
    "load_profiles",
    "message_for",
    "normalise",
    "passes_mod10",
    "read_code",
    "read_sscc",
    "sscc",
]
