"""The table of Rust's calls and Python's: made of the list of the crate's API and of the package's names.

Run as a program, it writes the table into the manual.
"""

from __future__ import annotations

import re
from pathlib import Path

import trackside
from trackside import rpc

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "reference.md"
MARKS = ("<!-- side by side -->\n", "<!-- end -->\n")

# What is called otherwise in Python, and what is not there, with the reason.
OTHER = {
    "current": "`current_span`",
    "extract_from": "`extract`",
    "forward_log_at": "`forward_log(time=...)`",
    "in_context": "`attach`; `contextvars` carry the rest",
    "in_context_fn": "`contextvars.copy_context().run`",
    "init": "`enable_telemetry`",
    "inject_into": "`inject(headers)`",
    "instrument": "`span`, as a decorator",
    "log_error": "`logging.exception`",
    "log_error_with": "`logging.exception`",
    "register_service": "`service`, as a decorator",
    "rpc::handler_fn": "`rpc.handler`",
    "Span::set_dynamic": "`Span.set`",
    "Span::event_dynamic": "`Span.event`",
    "Span::record_error_with": "`Span.record_error`",
    "Telemetry::force_flush": "`flush`",
    "Telemetry::inherited": "`inherited`",
    "Telemetry::report": "`report`",
    "Telemetry::set_log_filter": "`set_log_filter`",
    "Telemetry::set_sampler": "`set_sampler`",
    "Telemetry::shutdown": "`shutdown`",
    "Telemetry::shutdown_async": "none: `await asyncio.to_thread(trackside.shutdown)`",
    "Telemetry::status": "`status`",
    "Parent::current": "`current`",
    "SpanGuard::with": "`Span.set`",
    "CurrentSpan::with": "`current_span().set`",
    "CurrentSpan::set": "`current_span().set`",
    "CurrentSpan::is_recording": "`current_span().is_recording`",
    "CurrentSpan::trace_id": "`current().trace_id`",
    "CurrentSpan::span_id": "`current().span_id`",
    "SpanGuard::with_parent": "`Span.with_parent`",
    "SpanGuard::with_kind": "`Span.with_kind`",
    "Instrumented::named": "`span(name)`",
    "Instrumented::with": "`Span.set`",
    "Instrumented::with_kind": "`Span.with_kind`",
    "Instrumented::with_parent": "`Span.with_parent`",
    "Instrumented::on_output": "`current_span().set` in the function",
    "Instrumented::errors": "always: an exception is an error",
} | {
    f"{kind}::{word}": why
    for kind in ("Counter", "UpDownCounter", "Gauge", "Histogram")
    for word, why in {
        "with_unit": f"`{kind}`'s argument `unit`",
        "with_description": f"`{kind}`'s argument `description`",
        "with_boundaries": f"`{kind}`'s argument `boundaries`",
        "observe": "none: the core's thread would wait for the GIL",
    }.items()
}
TYPES = ("Counter", "CurrentSpan", "Gauge", "Histogram", "Instrumented", "Parent", "Span", "SpanGuard", "Telemetry", "UpDownCounter")  # fmt: skip
OF_TRAITS = {"clone", "default", "fmt", "drop", "poll", "eq"}


def rust() -> list[str]:
    """Free functions, those of `rpc`, and methods."""
    names: set[str] = set()
    for line in (ROOT / "tests/api/on.txt").read_text().splitlines():
        found = re.match(r"pub (?:const )?fn trackside::telemetry::([A-Za-z_:]+?)(?:<.*?>)?(?:::(\w+))?(?:<.*?>)?\(", line)  # fmt: skip
        if found is None:
            continue
        owner, method = found.groups()
        if method is None:
            head, _, last = owner.rpartition("::")
            if last in OF_TRAITS or head not in ("", "rpc", *TYPES):
                continue
            names.add(owner)
        elif owner == "rpc":
            names.add(f"rpc::{method}")
        elif owner in TYPES and method not in OF_TRAITS:
            names.add(f"{owner}::{method}")
    return sorted(names, key=lambda name: (name.count("::"), name))


def python(name: str) -> str | None:
    """The Python of it: the same name, or what stands in for it."""
    if name in OTHER:
        return OTHER[name]
    head, _, last = name.rpartition("::")
    if head == "" and last in trackside.__all__:
        return f"`{last}`"
    if head == "rpc" and last in rpc.__all__:
        return f"`rpc.{last}`"
    if head in trackside.__all__ and hasattr(getattr(trackside, head), last):
        return f"`{head}.{last}`"
    return None


def table() -> str:
    """The table; it fails where something is missing without a reason."""
    rows = [(name, python(name)) for name in rust()]
    missing = [name for name, answer in rows if answer is None]
    assert not missing, f"neither in Python nor with a reason: {missing}"
    stale = set(OTHER) - {name for name, _ in rows} - {
        name for name in OTHER if name.endswith("::with_boundaries")
    } - {"Histogram::observe"}  # fmt: skip
    assert not stale, f"not in Rust: {stale}"
    lines = [f"| `{name}` | {answer} |" for name, answer in rows]
    return "\n".join(["| Rust | Python |", "|---|---|", *lines]) + "\n"


def in_manual() -> str:
    """As it stands there."""
    text = MANUAL.read_text()
    return text[text.index(MARKS[0]) + len(MARKS[0]) : text.index(MARKS[1])]


if __name__ == "__main__":
    text = MANUAL.read_text()
    before, after = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    MANUAL.write_text(text[:before] + table() + text[after:])
