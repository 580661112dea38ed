"""What Prometheus is told of scans beside their answers, which `services.scanning` counts by code; and of the doors."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

BATCH_ROWS = Histogram(
    "campushub_scan_batch_rows",
    "Scans that went into one statement.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)
BATCH_SECONDS = Histogram(
    "campushub_scan_batch_seconds",
    "Time of one statement, commit included.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
PASSED = Counter("campushub_scan_gate_passed", "Scans that the gate left to Django, by reason.", ["reason"])
PASSED_DOOR = Counter(
    "campushub_door_passed",
    "Requests that the doors before Django left to it, by address and reason.",
    ["route", "reason"],
)
