"""What Prometheus is told.

Counts live in processes; where ``PROMETHEUS_MULTIPROC_DIR`` names a folder they are shared through it, so that
whichever web process is asked tells of all of them, workers included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core import clock
from core.models import OutboxMessage, TaskHealth

REQUEST_SECONDS = Histogram(
    "campushub_request_seconds",
    "Time of requests, by method, pattern of the address and status.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)
QUERY_SECONDS = Histogram(
    "campushub_query_seconds",
    "Time of single database queries.",
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
TASKS = Counter("campushub_tasks", "Background tasks that ended, by outcome.", ["task", "outcome"])
THROTTLED = Counter("campushub_throttled", "Requests refused by a throttle, by scope.", ["scope"])
SCANS = Counter("campushub_scans", "Answers to scans, by code.", ["code"])


class StoredFigures(Collector):
    """Read from the database when asked, so every process tells the same."""

    def describe(self) -> Iterable[Metric]:
        # Without it the registry would ask the database while the site starts.
        return []

    def collect(self) -> Iterable[Metric]:
        try:
            waiting = OutboxMessage.objects.filter(sent_at__isnull=True).aggregate(
                number=Count("id"), oldest=Min("available_at")
            )
            tasks = list(TaskHealth.objects.all())
        except DatabaseError:
            return
        now = clock.now()
        yield GaugeMetricFamily("campushub_outbox_waiting", "Jobs not sent yet.", value=waiting["number"])
        age = max(0.0, (now - waiting["oldest"]).total_seconds()) if waiting["oldest"] else 0.0
        yield GaugeMetricFamily(
            "campushub_outbox_oldest_seconds", "How long the oldest job is due.", value=age
        )
        since = GaugeMetricFamily(
            "campushub_task_success_age_seconds",
            "Time since a scheduled task last succeeded.",
            labels=["task"],
        )
        for task in tasks:
            if task.succeeded_at is not None:
                since.add_metric([task.name], (now - task.succeeded_at).total_seconds())
        yield since


def render() -> bytes:
    """Everything in Prometheus' text format: this process's counts, or those of all that share a folder."""
    stored = CollectorRegistry()
    stored.register(StoredFigures())
    counted = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counted = CollectorRegistry()
        multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call] # as the library has it
    return generate_latest(counted) + generate_latest(stored)
