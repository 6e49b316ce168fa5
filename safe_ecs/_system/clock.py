"""The one clock of the guard: ages, deadlines and time-outs are all measured by it."""

from __future__ import annotations

import time


class Clock:
    """``time.monotonic``.

    It is an attribute of a class because test tools such as freezegun replace the attributes of modules, and only those of
    some modules. A guard with two clocks would take every look-up for one that has timed out.
    """

    now = staticmethod(time.monotonic)
