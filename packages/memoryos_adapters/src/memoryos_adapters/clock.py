"""The clock of the machine."""

import time
from datetime import UTC, datetime


class SystemClock:
    """A `Clock` that asks the operating system."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()
