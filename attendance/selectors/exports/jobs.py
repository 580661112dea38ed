"""A person's exports as the page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import QuerySet
from django.utils.formats import date_format

from academics.models import Section
from accounts.models import User
from attendance.enums import Band, ExportKind
from attendance.models import ExportJob


@dataclass(frozen=True, slots=True)
class ShownJob:
    """A job and, in words, what it is about."""

    job: ExportJob
    title: str
    about: list[str]


def own_jobs(user: User) -> QuerySet[ExportJob]:
    """One's own, latest first."""
    found: QuerySet[ExportJob] = ExportJob.objects.visible_to(user).select_related("school")
    return found.order_by("-requested_at", "-pk")


def shown(jobs: Sequence[ExportJob]) -> list[ShownJob]:
    """With the sections that they name, whatever their number one query."""
    named = {UUID(job.filters["section"]) for job in jobs if job.filters.get("section")}
    sections = Section.objects.select_related("course", "cohort").in_bulk(named) if named else {}
    return [ShownJob(job, str(ExportKind(job.kind).label), list(_about(job, sections))) for job in jobs]


def _about(job: ExportJob, sections: dict[UUID, Section]) -> list[str]:
    filters = job.filters
    lines = []
    if filters.get("section") and (section := sections.get(UUID(filters["section"]))):
        lines.append(str(section))
    lines += [
        str(filters[name])
        for name in ("department", "course", "student", "action", "actor")
        if filters.get(name)
    ]
    if filters.get("month"):
        lines.append(date_format(date.fromisoformat(f"{filters['month']}-01"), "F Y"))
    days = [
        date_format(date.fromisoformat(filters[name]), "j M Y")
        for name in ("from", "to")
        if filters.get(name)
    ]
    if days:
        lines.append(" – ".join(days))
    if filters.get("band"):
        lines.append(str(Band(filters["band"]).label))
    return lines
