"""What became of every item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dropped:
    """Items thrown away in this process, by cause."""

    ring_full: int
    queue_full: int
    too_large: int
    shutdown: int
    not_exported: int

    @property
    def total(self) -> int:
        """All causes together."""
        return (
            self.ring_full + self.queue_full + self.too_large + self.shutdown + self.not_exported
        )


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal's ledger.

    At every quiet moment
    ``recorded == delivered + rejected + unconfirmed + dropped.total + waiting + on_disk``.
    """

    on: bool
    why: str
    recorded: int
    delivered: int
    rejected: int
    unconfirmed: int
    waiting: int
    on_disk: int
    last_success: float | None
    last_error: str | None
    dropped: Dropped


@dataclass(frozen=True, slots=True)
class Status:
    """Counts and states as of now; ``python`` counts what this package itself had to leave out."""

    traces: Signal
    metrics: Signal
    logs: Signal
    forgotten_spans: int
    late_writes: int
    diagnostics: tuple[str, ...]
    python: dict[str, int]


def signal(given: dict[str, Any]) -> Signal:
    """One signal of the native status."""
    return Signal(**{**given, "dropped": Dropped(**given["dropped"])})
