"""What may be left in the files of a store after an erasure, although the store does not tell it any more."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Residual(Protocol):
    """What a store also is when its files keep bytes of what was erased for a while. Others keep none."""

    def residue(self) -> str | None:
        """Return in a few words what happens until those bytes are gone, None when there are none.

        Whoever was erased: it is about the files. Never blocks, never raises.
        """
        ...
