"""Coders with a line protocol that the user describes: every command is answered."""

from dataclasses import dataclass
from enum import StrEnum

from domain.kernel.clock import Clock
from domain.kernel.errors import UpstreamFailed
from drivers.link import PeerLost
from drivers.printers.driver import StreamPrinter
from drivers.printers.jobs import Confirmation, JobOutcome, PendingJob
from drivers.printers.parameters import TextParameters, TextRule
from drivers.printers.port import PrinterPort, TextPrinterConfig
from drivers.printers.status import Observation, OnCondition, PrinterCondition
from drivers.printers.stream import PrinterStream


class ReplyKind(StrEnum):
    ACKNOWLEDGED = "ACKNOWLEDGED"
    REFUSED = "REFUSED"
    DONE = "DONE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Reply:
    kind: ReplyKind
    content: bytes


class ReplyReader:
    """Cuts what came into answers, by the user's description; pure. `Answer` for the stream."""

    def __init__(self, parameters: TextParameters, *wanted: ReplyKind) -> None:
        """The kinds to return; any other is dropped, as are unsolicited messages."""
        self._parameters = parameters
        self._wanted = wanted or tuple(ReplyKind)
        self._kinds = tuple(
            (prefix, kind)
            for prefix, kind in (
                (parameters.acknowledge, ReplyKind.ACKNOWLEDGED),
                (parameters.refuse, ReplyKind.REFUSED),
                (parameters.done, ReplyKind.DONE),
            )
            if prefix is not None
        )

    def __call__(self, received: bytes) -> tuple[Reply, int] | None:
        taken = 0
        while (cut := self._next(received[taken:])) is not None:
            reply, length = cut
            taken += length
            skipped = any(reply.content.startswith(p) for p in self._parameters.unsolicited)
            if reply.kind in self._wanted and not skipped:
                return reply, taken
        return None

    def _next(self, received: bytes) -> tuple[Reply, int] | None:
        end = self._parameters.reply_terminator
        if not end:
            return self._next_bare(received)
        content, found, _ = received.partition(end)
        if not found:
            return None
        length = len(content) + len(end)
        start = self._parameters.reply_start
        if start:
            # What stands before the start is noise.
            content = content.rpartition(start)[2]
        return Reply(self._kind(content), content), length

    def _next_bare(self, received: bytes) -> tuple[Reply, int] | None:
        """Answers without an end are just their bytes, wherever the first of them stands."""
        places = [(received.find(p), p, kind) for p, kind in self._kinds]
        found = min((place for place in places if place[0] >= 0), default=None)
        if found is None:
            return None
        at, content, kind = found
        return Reply(kind, content), at + len(content)

    def _kind(self, content: bytes) -> ReplyKind:
        kinds = (kind for prefix, kind in self._kinds if content.startswith(prefix))
        return next(kinds, ReplyKind.OTHER)


def observation_of(reply: Reply, parameters: TextParameters) -> Observation:
    """A status answer by the user's rules; what no rule names is a ready printer, but for a
    refusal to tell."""
    text = reply.content.decode(parameters.encoding, "replace")
    fields = text.split(parameters.status_separator)
    held = {rule.condition for rule in parameters.status_rules if _applies(rule, text, fields)}
    if reply.kind is ReplyKind.REFUSED:
        held.add(PrinterCondition.FAULT)
    return Observation(
        paper_out=PrinterCondition.MEDIA_OUT in held,
        ribbon_out=PrinterCondition.RIBBON_OUT in held,
        head_open=PrinterCondition.HEAD_OPEN in held,
        paused=PrinterCondition.PAUSED in held,
        buffer_full=PrinterCondition.BUFFER_FULL in held,
        printing="PRINTING" in held,
        fault=f"The printer reports: {text}" if PrinterCondition.FAULT in held else None,
        raw=text,
    )


def _applies(rule: TextRule, text: str, fields: list[str]) -> bool:
    if rule.field is None:
        return rule.text in text
    return rule.field < len(fields) and fields[rule.field].strip() == rule.text


class Text:
    silence_is_loss = True
    cancel = None

    def __init__(self, config: TextPrinterConfig) -> None:
        self._parameters = parameters = config.parameters
        self._done_timeout_s = config.label_s
        self.is_asked = bool(parameters.status_command)
        self._question = b"".join(
            (parameters.start, parameters.status_command.encode("ascii"), parameters.terminator)
        )
        self._status = ReplyReader(parameters, ReplyKind.OTHER, ReplyKind.REFUSED)
        self._answer = ReplyReader(parameters, ReplyKind.ACKNOWLEDGED, ReplyKind.REFUSED)
        self._done = ReplyReader(parameters, ReplyKind.DONE, ReplyKind.REFUSED)

    async def observe(self, stream: PrinterStream, *, same_connection: bool) -> Observation | None:
        reply = await stream.ask(self._question, self._status)
        return None if reply is None else observation_of(reply, self._parameters)

    async def transmit(self, stream: PrinterStream, pending: PendingJob) -> Confirmation:
        printed = 0
        for command in pending.document.commands:
            pending.sent = pending.sent or command.prints
            reply = await stream.ask(command.data, self._answer)
            self._check(reply, pending, printed)
            printed += command.prints
            if command.prints and self._parameters.done is not None:
                done = await stream.hear(self._done, self._done_timeout_s)
                self._check(done, pending, printed)
        return Confirmation.ACCEPTED if self._parameters.done is None else Confirmation.PRINTED

    def _check(self, reply: Reply | None, pending: PendingJob, printed: int) -> None:
        """Without an answer nothing more may be sent on this connection: it is given up."""
        if reply is None:
            raise PeerLost("no answer to a command")
        if reply.kind is not ReplyKind.REFUSED:
            return
        said = reply.content.decode(self._parameters.encoding, "replace")
        outcome = JobOutcome.UNCERTAIN if printed else JobOutcome.NOT_PRINTED
        raise UpstreamFailed(
            f"The printer refused the job: {said}",
            job_id=pending.job.job_id,
            outcome=outcome.value,
            reply=said,
        )


def text_printer(
    config: TextPrinterConfig,
    on_condition: OnCondition | None = None,
    clock: Clock | None = None,
) -> PrinterPort:
    """Touches no socket yet."""
    return StreamPrinter(config, Text(config), on_condition, clock)
