"""Whether a controller can be reached with its settings; pure. Refusals are ValueErrors that
begin with the name of the nested field."""

from drivers.plcs.modbus.settings import ModbusFramer, ModbusSettings

RTU = "MODBUS_RTU"
PROFINET = "PROFINET"
PROTOCOLS = ("MODBUS_TCP", RTU, PROFINET)
# Above are reserved numbers; 0 speaks to all units, and none answers.
RTU_UNITS = range(1, 248)


def framer_of(protocol: str, settings: ModbusSettings) -> ModbusFramer:
    own = ModbusFramer.RTU if protocol == RTU else ModbusFramer.SOCKET
    return settings.framer or own


def check_host(protocol: str, host: str) -> None:
    if protocol != RTU and not host:
        raise ValueError(f"needed for {protocol}")


def check_port(protocol: str, host: str, port: int) -> None:
    if protocol == RTU and host and not port:
        raise ValueError("needed: serial servers have no port in common")


def check_settings(protocol: str, host: str, settings: ModbusSettings) -> None:
    if protocol == RTU:
        _check_rtu(host, settings)
    elif settings.serial is not None:
        raise ValueError(f"serial: only for {RTU}")
    if framer_of(protocol, settings) is ModbusFramer.RTU and settings.unit_id not in RTU_UNITS:
        raise ValueError("unit_id: from 1 to 247 on a serial line")
    if protocol == PROFINET and not settings.gateway.input_size + settings.gateway.output_size:
        raise ValueError("gateway: needed for PROFINET, its input_size or output_size")


def _check_rtu(host: str, settings: ModbusSettings) -> None:
    if settings.framer is ModbusFramer.SOCKET:
        raise ValueError(f"framer: {RTU} has RTU")
    if settings.serial is not None and host:
        raise ValueError("serial: either this or a host")
    if settings.serial is None and not host:
        raise ValueError("serial: needed, or a host for RTU over TCP")
