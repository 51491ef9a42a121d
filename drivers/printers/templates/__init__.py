"""Label templates: declared, checked against a printer's language, rendered with values."""

from drivers.printers.port import AnyPrinterConfig, TextPrinterConfig, ZplPrinterConfig
from drivers.printers.templates.declaration import (
    LabelTemplate,
    ParameterType,
    TemplateParameter,
)
from drivers.printers.templates.parts import CompiledTemplate
from drivers.printers.templates.text import compile_text
from drivers.printers.templates.tspl import compile_tspl
from drivers.printers.templates.values import Given, check_defaults
from drivers.printers.templates.zpl import compile_zpl

__all__ = [
    "CompiledTemplate",
    "Given",
    "LabelTemplate",
    "ParameterType",
    "TemplateParameter",
    "compile_template",
]


def compile_template(template: LabelTemplate, config: AnyPrinterConfig) -> CompiledTemplate:
    """Raises ValidationFailed for `body` or `parameters.<n>.<field>`."""
    check_defaults(template)
    if isinstance(config, ZplPrinterConfig):
        return CompiledTemplate(template, compile_zpl(template).render)
    if isinstance(config, TextPrinterConfig):
        return CompiledTemplate(template, compile_text(template, config.parameters).render)
    return CompiledTemplate(template, compile_tspl(template).render)
