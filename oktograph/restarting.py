"""Whether, and how, this process begins anew.

It can where something starts it again when it ends: what started it as one of several workers, or
a supervisor of the machine (systemd, Docker, Kubernetes), which cannot be told from a shell by
looking at it: `OKTOGRAPH_SUPERVISED` says so. A wrong guess would leave a factory down.
"""

import asyncio
import os
import signal
from typing import Final

from domain.identity.installation.ports import NotSupervised

RESTART_CODE: Final = 75
"""What a process ends with that wants to be started again (EX_TEMPFAIL of sysexits.h): not 0, for
supervisors that care for failures only."""


class OwnProcess:
    """Ends this process, for its supervisor to start it again."""

    def __init__(self, *, supervised: bool) -> None:
        self.asked = asyncio.Event()
        self._supervised = supervised

    def check(self) -> None:
        if not self._supervised:
            raise NotSupervised

    def begin(self) -> None:
        self.check()
        self.asked.set()


class ByParent:
    """Tells the process that started this worker, which starts all of them again."""

    def __init__(self) -> None:
        self._parent = os.getppid()

    def check(self) -> None:
        if os.getppid() != self._parent:
            raise NotSupervised

    def begin(self) -> None:
        self.check()
        os.kill(self._parent, signal.SIGHUP)
