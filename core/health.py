"""Is the house in order: for load balancers, for people on call, for Prometheus.

- ``/healthz`` the process answers.
- ``/readyz`` which part is down. Database and migrations decide (503); Redis and the workers may be away for a
  while without anybody losing anything, so they make the answer ``degraded`` with 200.
- ``/metrics`` for Prometheus, from this machine and the networks of the setting ``METRICS_NETWORKS`` only.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import clock, context, jobs, redis
from core import metrics as figures
from core.models import TaskHealth

#: A task that has not succeeded in so many periods is overdue.
PATIENCE = 3

#: Looking reads every migration file, and what this process saw applied stays so while it lives.
_migrated = False


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    parts = check()
    down = [name for name, part in parts.items() if not part["ok"]]
    unready = {"database", "migrations"} & set(down)
    state = "down" if unready else ("degraded" if down else "ok")
    return JsonResponse({"status": state, "down": down, "parts": parts}, status=503 if unready else 200)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_see_metrics(request):
        return HttpResponseNotFound()
    return HttpResponse(figures.render(), content_type="text/plain; version=0.0.4; charset=utf-8")


def check() -> dict[str, dict[str, Any]]:
    """Each part with ``ok`` and, when it is not, ``detail``."""
    database = _database()
    parts = {"database": database, "redis": _redis()}
    if database["ok"]:
        parts |= {"migrations": _migrations(), "workers": _workers()}
    else:
        unknown = {"ok": False, "detail": "unknown while the database is down"}
        parts |= {"migrations": unknown, "workers": unknown}
    return parts


def overdue_tasks() -> list[str]:
    """Scheduled tasks that have not succeeded for three of their periods."""
    now = clock.now()
    return [
        task.name
        for task in TaskHealth.objects.order_by("name")
        if now - (task.succeeded_at or task.started_at or now)
        > PATIENCE * timedelta(seconds=task.period_seconds)
    ]


def _database() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return {"ok": False, "detail": type(error).__name__}
    return {"ok": True}


def _redis() -> dict[str, Any]:
    try:
        redis.run(lambda client: client.ping())
    except redis.RedisAway as error:
        return {"ok": False, "detail": str(error)}
    return {"ok": True}


def _migrations() -> dict[str, Any]:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            return {"ok": False, "detail": f"{len(plan)} to be applied"}
        _migrated = True
    return {"ok": True}


def _workers() -> dict[str, Any]:
    """Beat sends it and a worker runs it every few seconds: when this one is fresh both are alive."""
    pulse = TaskHealth.objects.filter(pk=jobs.RELAY_OUTBOX).first()
    if pulse is None or pulse.succeeded_at is None:
        return {"ok": False, "detail": "no worker has reported yet"}
    overdue = overdue_tasks()
    if jobs.RELAY_OUTBOX in overdue:
        return {"ok": False, "detail": f"nothing since {pulse.succeeded_at.isoformat(timespec='seconds')}"}
    if overdue:
        return {"ok": False, "detail": f"overdue: {', '.join(overdue)}"}
    return {"ok": True}


def _may_see_metrics(request: HttpRequest) -> bool:
    if request.META.get("HTTP_X_FORWARDED_FOR") and not settings.TRUSTED_PROXIES:
        # A proxy that nobody told us of would make everybody look local.
        return False
    address = context.current().ip
    if address is None:
        return False
    known = ipaddress.ip_address(address)
    return known.is_loopback or any(
        known in ipaddress.ip_network(network) for network in settings.METRICS_NETWORKS
    )
