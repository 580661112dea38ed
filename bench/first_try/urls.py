"""The scan address, answered the first way that comes to mind; everything else as it is."""

from __future__ import annotations

from django.db import transaction
from django.urls import path
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from academics.models import Enrollment, Student
from attendance import codes
from attendance.enums import Source, Status
from attendance.models import AttendanceRecord, Session
from audit.models import AuditEntry
from campushub import urls
from core import clock
from core.ids import uuid7


class ScanSerializer(serializers.Serializer):
    token = serializers.CharField()
    device_id = serializers.CharField()


class ScanView(APIView):
    @transaction.atomic
    def post(self, request: Request) -> Response:
        sent = ScanSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        now = clock.now()
        session = Session.objects.get(pk=codes.decode(sent.validated_data["token"]).session_id)
        student = Student.objects.get(user=request.user)
        enrollment = Enrollment.objects.filter(student=student, section__in=session.sections.all())[0]
        record, _fresh = AttendanceRecord.objects.get_or_create(
            session=session,
            held_on=session.held_on,
            student=student,
            defaults={
                "school_id": session.school_id,
                "section_id": enrollment.section_id,
                "snapshot_id": student.current_snapshot_id,
                "status": Status.PRESENT,
                "source": Source.QR,
                "marked_at": now,
                "device_key": sent.validated_data["device_id"],
            },
        )
        AuditEntry.objects.create(
            at=now,
            school_id=session.school_id,
            operation_id=uuid7(),
            actor_id=request.user.pk,
            action="record.create",
            object_type="attendancerecord",
            object_id=str(record.pk),
            after={"status": record.status},
        )
        return Response(
            {"record": str(record.pk), "status": record.status, "marked_at": record.marked_at},
            status=status.HTTP_201_CREATED,
        )


urlpatterns = [path("api/v1/attendance/records/qr-scan/", ScanView.as_view()), *urls.urlpatterns]
