"""Nobody has a say in the condonation they asked for, also if the services are bypassed; what the head of department
said is kept apart from what the office said; and what the pages of approvals look for, by index."""

from __future__ import annotations

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("attendance", "0007_exports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="condonationrequest",
            name="recommendation",
            field=models.CharField(blank=True, default="", max_length=500, verbose_name="recommendation"),
        ),
        migrations.AddConstraint(
            model_name="condonationrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewer", models.F("requested_by")), _negated=True),
                name="condonation_decided_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="condonationrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("recommended_by", models.F("requested_by")), _negated=True),
                name="condonation_recommended_by_another",
            ),
        ),
        migrations.AddIndex(
            model_name="condonationrequest",
            index=models.Index(
                condition=models.Q(("status__in", ["pending", "recommended"])),
                fields=["school", "requested_at"],
                name="condonation_to_review",
            ),
        ),
        migrations.AddIndex(
            model_name="condonationrequest",
            index=models.Index(
                condition=models.Q(("reviewed_at__isnull", False)),
                fields=["school", "-reviewed_at"],
                name="condonation_decided",
            ),
        ),
        migrations.AddIndex(
            model_name="correctionrequest",
            index=models.Index(
                condition=models.Q(("reviewed_at__isnull", False)),
                fields=["school", "-reviewed_at"],
                name="correction_decided",
            ),
        ),
        migrations.AddIndex(
            model_name="leaveapplication",
            index=models.Index(
                condition=models.Q(("reviewed_at__isnull", False)),
                fields=["school", "-reviewed_at"],
                name="leave_decided",
            ),
        ),
    ]
