"""Filters, search and ordering of lists. What is not understood is refused: silence would look like an answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.forms import MultiWidget
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request

from core.api.pagination import parameters_of

if TYPE_CHECKING:
    # At run time DRF's views import this module.
    from rest_framework.views import APIView

SEARCH = "search"
ORDERING = "ordering"


class StrictFilterBackend(DjangoFilterBackend):
    """The view's `filterset_class` or `filterset_fields`, `search_fields` and `ordering_fields`, for lists only.

    `ordering_fields` is a list of names, or a mapping of public names to model fields; ties are broken by the
    primary key, so that pages never overlap. `ordering` is the view's default order.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        if getattr(view, "detail", False):
            return queryset
        filterset = self.get_filterset(request, queryset, view)
        refuse_unknown(request, self._known(filterset, view))
        queryset = super().filter_queryset(request, queryset, view)
        queryset = SearchFilter().filter_queryset(request, queryset, view)
        return self._ordered(request, queryset, view)

    def _known(self, filterset: Any, view: APIView) -> set[str]:
        known = set(parameters_of(getattr(view, "paginator", None)))
        if filterset is not None:
            known |= set(_names_of(filterset))
        if getattr(view, "search_fields", None):
            known.add(SEARCH)
        if ordering_fields(view):
            known.add(ORDERING)
        return known

    def _ordered(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        known = ordering_fields(view)
        raw = request.query_params.get(ORDERING) if known else None
        if not raw:
            default = getattr(view, "ordering", None)
            return queryset.order_by(*default) if default else queryset
        terms = []
        for term in raw.split(","):
            name = term.strip()
            field = known.get(name.removeprefix("-"))
            if field is None:
                raise unknown_ordering(name, known)
            terms.append(f"-{field}" if name.startswith("-") else field)
        return queryset.order_by(*terms, "pk")


def ordering_fields(view: Any) -> dict[str, str]:
    """Public name → model field of what a list can be ordered by."""
    declared = getattr(view, "ordering_fields", None) or ()
    return dict(declared) if isinstance(declared, dict) else {name: name for name in declared}


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """For views that read the query themselves. Raises ValidationError, ``unknown_filter`` for each stranger."""
    known = sorted(known)
    detail = _("There is no such filter. Known here: {known}.").format(known=", ".join(known) or "–")
    strangers = [name for name in request.query_params if name not in known]
    if strangers:
        raise ValidationError({name: [ErrorDetail(detail, code="unknown_filter")] for name in strangers})


def unknown_ordering(name: str, known: Iterable[str]) -> ValidationError:
    """The refusal of an order that a list does not offer."""
    detail = _("The list cannot be ordered by “{name}”. Known here: {known}.").format(
        name=name[:50], known=", ".join(known)
    )
    return ValidationError({ORDERING: [ErrorDetail(detail, code="unknown_ordering")]})


def _names_of(filterset: Any) -> Iterable[str]:
    for name, field in filterset.form.fields.items():
        if isinstance(field.widget, MultiWidget):
            # A range is asked for as name_min and name_max, or as its widget calls them.
            suffixes: list[str] = getattr(field.widget, "widgets_names", [])
            yield from (f"{name}{suffix}" for suffix in suffixes)
        else:
            yield name
