"""Loading the demo, or the school for measurements, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.enums import Role
from accounts.models import School, User
from attendance.demo import bench as measuring
from attendance.demo import campus, cases, history, leaves, notices, offline, requests, schedule, today
from attendance.demo.catalogue import PASSWORD, SCHOOLS
from attendance.demo.erase import erase
from attendance.services import summaries
from core import owner


def demo(
    *,
    students: int,
    weeks: int,
    seed: int,
    reset: bool,
    progress: Callable[[str], None],
    now: datetime,
) -> dict[str, Any]:
    """Load both schools in one transaction; ``loaded`` False when they are there already."""
    codes = [plan.code for plan in SCHOOLS]
    if reset:
        progress("Throwing the demo schools away")
        erase(codes)
        cases.forget_stranger()
    if School.objects.filter(code__in=codes).exists():
        return {"loaded": False, "school": "The demo campus"}
    # Argon2 is slow on purpose: once for everybody.
    password = make_password(PASSWORD)
    people = sessions = records = 0
    with transaction.atomic():
        for plan in SCHOOLS:
            count = max(20, round(students * plan.share))
            progress(f"{plan.name}: {count:,} students and their timetable")
            made = campus.build(plan=plan, students=count, weeks=weeks, seed=seed, password=password, now=now)
            schedule.build(made)
            progress(f"{plan.name}: {weeks} weeks of classes")
            sessions += history.plan(made, ahead_days=today.AHEAD_DAYS, now=now)
            records += history.live(made, seed=seed, now=now)
            leaves.ask(made, now=now)
            cases.make(made, now=now)
            requests.ask(made, now=now)
            offline.upload(made, seed=seed)
            notices.tell(made.school, now=now)
            people += count
        _operator(password)
        summaries.refresh(now=now)
        transaction.on_commit(owner.analyze)
    return {
        "loaded": True,
        "school": "Demo campus",
        "students": people,
        "sessions": sessions,
        "records": records,
    }


def bench(
    *,
    records: int,
    students: int,
    seed: int,
    reset: bool,
    progress: Callable[[str], None],
    now: datetime,
) -> dict[str, Any]:
    """Load the school for measurements, in several transactions; ``loaded`` False when it is there already.

    One that somebody was stopped in the middle of making is made anew.
    """
    if reset or School.objects.filter(code=measuring.CODE, is_active=False).exists():
        progress("Throwing the bench school away")
        erase([measuring.CODE])
    if School.objects.filter(code=measuring.CODE).exists():
        return {"loaded": False, "school": "The bench school"}
    made = measuring.build(
        records=records,
        students=students,
        seed=seed,
        password=make_password(PASSWORD),
        progress=progress,
        now=now,
    )
    summaries.refresh(now=now)
    transaction.on_commit(owner.analyze)
    return {
        "loaded": True,
        "school": made.school.name,
        "students": made.students,
        "sessions": made.sessions,
        "records": made.records,
    }


def _operator(password: str) -> None:
    """The demo's superuser belongs to no school, and stays when the schools are thrown away."""
    User.objects.update_or_create(
        username="superuser",
        defaults={
            "full_name": "Operations",
            "email": "superuser@example.edu",
            "role": Role.SUPERUSER,
            "is_superuser": True,
            "password": password,
        },
    )
