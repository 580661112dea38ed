"""What drf-spectacular is told. Imported by the settings, so it imports nothing that reads them."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """
The contract of CampusHub for integrators.

**Signing in.** `POST /api/v1/auth/token/` gives an access token (15 minutes) and a refresh token (7 days, once).
Send `Authorization: Bearer <access>`. Pages use their session with `X-CSRFToken` instead.

**Errors** have one shape everywhere, `ErrorResponse`. `code` is stable, `detail` is for people and translated
(`Accept-Language`), `attr` names the field, `meta` holds what a program may want to know.

**Lists** take `page` and `page_size` (50, at most 200) or a `cursor`. Unknown filters and orderings are refused.

**Limits.** 429 and 503 say in `Retry-After` when to come back. Bodies over 5 MB are answered 413.

**Sending twice.** Where `Idempotency-Key` is offered, the same key and body get the same answer for 24 hours.

**Instants** are ISO 8601 with offset, dates `YYYY-MM-DD` and local to the school, percentages numbers or null.
"""

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "CampusHub",
    "DESCRIPTION": DESCRIPTION.strip(),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+/",
    "COMPONENT_SPLIT_REQUEST": True,
    # A value that cannot be NULL and has no default is always there.
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "accounts.enums.Role",
        "SessionStatusEnum": "attendance.enums.SessionStatus",
        "RecordStatusEnum": "attendance.enums.Status",
        "RecordSourceEnum": "attendance.enums.Source",
        "CapturedByEnum": "attendance.enums.CAPTURED_BY",
        "SyncOutcomeEnum": "attendance.enums.SyncOutcome",
        "SyncCodeEnum": "attendance.enums.SyncCode",
        "KeepEnum": "attendance.enums.Keep",
        "HolidayKindEnum": "attendance.enums.HolidayKind",
        "LeaveKindEnum": "attendance.enums.LeaveKind",
        "LeaveStatusEnum": "attendance.enums.LeaveStatus",
        "DeviceKindEnum": "attendance.enums.DeviceKind",
        "AnomalyKindEnum": "attendance.enums.AnomalyKind",
        "CorrectionStatusEnum": "attendance.enums.CorrectionStatus",
        "CondonationStatusEnum": "attendance.enums.CondonationStatus",
        "BandEnum": "attendance.enums.Band",
        "ShortageBandEnum": "attendance.selectors.shortage.BELOW",
        "ExportKindEnum": "attendance.enums.ExportKind",
        "ExportFormatEnum": "attendance.enums.ExportFormat",
        "ExportStateEnum": "attendance.enums.ExportState",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.openapi.describe_errors",
    ],
    # Everything the pages need is served from here: no CDN, no validator elsewhere.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
}
