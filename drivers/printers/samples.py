"""The label that a test print makes: the printer's name, and a code that a scanner can try."""

from domain.kernel.errors import Conflict
from drivers.printers.port import AnyPrinterConfig, TextPrinterConfig, ZplPrinterConfig
from drivers.printers.templates import LabelTemplate, TemplateParameter

_MARGIN = 16
_NAME_HEIGHT = 24


def sample_template(config: AnyPrinterConfig) -> LabelTemplate:
    """Takes `name`. Raises Conflict for a text printer that has no `test_body`."""
    if isinstance(config, TextPrinterConfig):
        if not config.parameters.test_body:
            raise Conflict("This printer has no test print: set parameters.test_body")
        return _template(config.parameters.test_body)
    is_zpl = isinstance(config, ZplPrinterConfig)
    return _template(_zpl_body(config) if is_zpl else _tspl_body(config))


def _template(body: str) -> LabelTemplate:
    name = TemplateParameter(name="name", max_length=64)
    return LabelTemplate(name="test", body=body, parameters=(name,) if "{{name}}" in body else ())


def _zpl_body(config: AnyPrinterConfig) -> str:
    below = _MARGIN + _NAME_HEIGHT + _MARGIN
    return (
        f"^XA^PW{config.width_dots}^LL{config.height_dots}"
        f"^FO{_MARGIN},{_MARGIN}^A0N,{_NAME_HEIGHT},{_NAME_HEIGHT}^FD{{{{name}}}}^FS"
        f"^FO{_MARGIN},{below}^BXN,{_module(config)},200,,,,_^FD{{{{name}}}}^FS^XZ"
    )


def _tspl_body(config: AnyPrinterConfig) -> str:
    below = _MARGIN + _NAME_HEIGHT + _MARGIN
    side = config.height_dots - below
    return (
        f"SIZE {config.label_width_mm:g} mm,{config.label_height_mm:g} mm\n"
        "CODEPAGE UTF-8\nCLS\n"
        f'TEXT {_MARGIN},{_MARGIN},"3",0,1,1,"{{{{name}}}}"\n'
        f'DMATRIX {_MARGIN},{below},{side},{side},c126,x{_module(config)},"{{{{name}}}}"\n'
        "PRINT 1,1\n"
    )


def _module(config: AnyPrinterConfig) -> int:
    """Half a millimetre: every scanner reads it."""
    return max(2, config.dpmm // 2)
