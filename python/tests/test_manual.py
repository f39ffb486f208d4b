"""The manual: its snippets run, its table is the code's, and the example delivers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import side_by_side
from conftest import Collector

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = (ROOT / "reference.md").read_text().partition("\n# Python\n")[2].partition("\n# ")[0]
SNIPPETS = re.findall(r"```python\n(.*?)```", CHAPTER, re.DOTALL)


def test_the_manual_has_snippets() -> None:
    assert len(SNIPPETS) >= 7


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_a_snippet_runs(snippet: str, collector: Collector) -> None:
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    done = subprocess.run(
        [sys.executable, "-c", snippet], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_rust_and_python_side_by_side() -> None:
    assert side_by_side.in_manual() == side_by_side.table(), "run python/tests/side_by_side.py"


def test_the_example_delivers(collector: Collector) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "python/examples/telemetry_demo.py"), collector.url],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "delivered 4 spans, 1 log records\n"
    assert collector.resource()["service.name"] == "shop.Cart"
    assert len({span.trace_id for span in collector.spans}) == 1
