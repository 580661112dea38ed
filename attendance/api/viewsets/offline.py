"""Uploads of what was marked without network, as a part of records."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from academics.api.scope import SCHOOL_PARAMETER, SchoolNotChosen, allow, school_of, user_of
from attendance import policies
from attendance.api.serializers.offline import SyncAnswerSerializer, UploadSerializer
from attendance.enums import SyncCode
from attendance.services import offline
from core import clock
from core.api.idempotency import idempotent
from core.api.refusals import refuses
from core.errors import NotFound


class OfflineSyncMixin:
    """``POST records/offline-sync/``."""

    @extend_schema(
        tags=["attendance: records"],
        summary="Upload marks made without network",
        parameters=[SCHOOL_PARAMETER],
        request=UploadSerializer,
        responses={200: SyncAnswerSerializer},
    )
    @refuses(SchoolNotChosen, NotFound)
    @action(
        detail=False, methods=["post"], url_path="offline-sync", filter_backends=[], pagination_class=None
    )
    @idempotent
    def offline_sync(self, request: Request) -> Response:
        """Up to 1,000 marks of any number of classes, each with its own answer. Once a body is well formed the answer
        is 200, and every entry is kept on the server, whatever its outcome: the device may forget it.

        **Times.** `client_now` says how far the device's clock is off; `captured_at` is corrected by that. A mark is
        taken when it was made while its class took attendance and comes at most `offline_sync_max_delta_minutes` later,
        also when the class has been closed meanwhile; figures follow at once.

        **Outcomes.** `created`, `updated`: the mark stands. `duplicate`: nothing had to change, or the entry was taken
        before. `conflict`: somebody marked the student later than this was made, and differently; it waits in
        `sync-conflicts/`. `rejected`: see `code`; nobody changes it by sending it again.

        **Again.** An entry is known by `client_id`, among those of the same person. Sending any of it again, in the
        same or another batch, changes nothing: what was taken is a `duplicate`, a conflict or a refusal is told again.
        Another mark under a used id is rejected (`client_id_reused`), so give each mark a new one.

        **Undo.** What was not sent yet is simply forgotten on the device. What was sent, or may have been, is followed
        by another entry with a new `client_id` and a later `captured_at`: with the status that stood before, or with
        `"status": null` and `"source": "manual"` where there was none. That takes the mark away, while the class is not
        closed; a closed class has a mark for everybody, so there it is rejected (`session_not_markable`). Of several
        marks of one student by hand in one upload the last one counts.

        **Sources.** Between sources a person's word wins over a fingerprint or face, that over a card, a card over a
        code. What loses to a better source that says something else is rejected (`outranked`). A machine's capture
        without `status` is present or late as a scan at that time would have been.
        """
        allow(policies.can_mark_classes(user_of(request)))
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        results = offline.sync(
            school=school_of(request), upload=asked.upload(), by=user_of(request), now=clock.now()
        )
        return Response({"results": [_shown(result) for result in results]})


def _shown(result: offline.Result) -> dict[str, Any]:
    shown: dict[str, Any] = {"client_id": str(result.client_id), "outcome": result.outcome}
    if result.code:
        shown |= {"code": result.code, "detail": str(SyncCode(result.code).label)}
    if result.conflict is not None:
        shown["conflict"] = str(result.conflict)
    return {
        **shown,
        "record": None if result.record is None else str(result.record),
        "status": result.status,
    }
