"""How a simulated device takes questions off the wire and puts answers on it."""

from dataclasses import dataclass, field

from drivers.plcs.modbus import pdu
from drivers.plcs.modbus.framing import Message, TcpFrames, is_sound, rtu_frame, tcp_frame
from drivers.plcs.modbus.settings import ModbusFramer

_FIXED = {*range(1, 7)}


@dataclass(slots=True)
class ModbusFaults:
    """May be set while the simulator runs. `delay_s`: how late each answer is; `silent_units` do
    not answer; `busy` answers so many questions with BUSY; `exception` answers all with that code.
    `wrong_unit` and `wrong_number` falsify the head of an answer, `wrong_length` its body;
    `garbage` sends noise in its place, `echo` the question itself, `noise` some in front of it,
    `twice` sends it twice."""

    delay_s: float = 0.0
    silent_units: set[int] = field(default_factory=set)
    busy: int = 0
    exception: int | None = None
    wrong_unit: bool = False
    wrong_number: bool = False
    wrong_length: bool = False
    garbage: bool = False
    echo: bool = False
    noise: bool = False
    twice: bool = False


class RtuQuestions:
    """From bytes as they come to whole questions; what is none is passed over."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        self._buffer += data
        found = []
        while len(self._buffer) >= 4:
            size = _question_size(self._buffer)
            if size is not None and len(self._buffer) < size:
                break
            frame = self._buffer[: size or 0]
            if size is not None and is_sound(frame):
                found.append(Message(0, frame[0], frame[1:-2]))
                self._buffer = self._buffer[size:]
            else:
                self._buffer = self._buffer[1:]
        return found


def _question_size(data: bytes) -> int | None:
    """None for a function that no unit knows; more than there is while its size is unknown."""
    function = data[1]
    if function in _FIXED:
        return 8
    if function == pdu.MASK_REGISTER:
        return 10
    if function in (pdu.WRITE_COILS, pdu.WRITE_REGISTERS):
        return 9 + data[6] if len(data) > 6 else 9
    return None


def questions(framer: ModbusFramer) -> TcpFrames | RtuQuestions:
    return TcpFrames() if framer is ModbusFramer.SOCKET else RtuQuestions()


def answered(
    framer: ModbusFramer, asked: Message, answer: bytes, faults: ModbusFaults, noise: bytes
) -> bytes:
    """The bytes for the wire, with the present faults."""
    transaction, unit, _ = asked
    if faults.garbage:
        return noise
    body = asked.pdu if faults.echo else answer
    body = body + b"\0" if faults.wrong_length else body
    unit = (unit + 1) % 256 if faults.wrong_unit else unit
    transaction = (transaction + 1) % 65536 if faults.wrong_number else transaction
    framed = tcp_frame(Message(transaction, unit, body))
    if framer is ModbusFramer.RTU:
        framed = rtu_frame(unit, body)
    return (noise if faults.noise else b"") + framed * (2 if faults.twice else 1)
