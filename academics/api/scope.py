"""Tenancy in the API, as every app above accounts has it: see `accounts.api.scope`."""

from __future__ import annotations

from accounts.api.scope import SCHOOL_PARAMETER as SCHOOL_PARAMETER
from accounts.api.scope import Policy as Policy
from accounts.api.scope import SchoolNotChosen as SchoolNotChosen
from accounts.api.scope import SchoolScopedViewSet as SchoolScopedViewSet
from accounts.api.scope import allow as allow
from accounts.api.scope import school_of as school_of
from accounts.api.scope import user_of as user_of
from accounts.api.scope import within_reach as within_reach
