from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import core.fields
import core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Course",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=30, verbose_name="code")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                (
                    "credits",
                    models.DecimalField(decimal_places=1, default=0, max_digits=4, verbose_name="credits"),
                ),
            ],
            options={
                "verbose_name": "course",
                "verbose_name_plural": "courses",
                "db_table": "academics_course",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20, verbose_name="code")),
                ("name", models.CharField(max_length=150, verbose_name="name")),
            ],
            options={
                "verbose_name": "department",
                "verbose_name_plural": "departments",
                "db_table": "academics_department",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Enrollment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("joined_on", models.DateField(verbose_name="joined on")),
                (
                    "left_on",
                    models.DateField(
                        blank=True,
                        help_text="The first day that no longer counts.",
                        null=True,
                        verbose_name="left on",
                    ),
                ),
            ],
            options={
                "verbose_name": "enrollment",
                "verbose_name_plural": "enrollments",
                "db_table": "academics_enrollment",
            },
        ),
        migrations.CreateModel(
            name="Faculty",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("employee_no", models.CharField(max_length=30, verbose_name="employee number")),
                ("designation", models.CharField(blank=True, max_length=80, verbose_name="designation")),
            ],
            options={
                "verbose_name": "faculty member",
                "verbose_name_plural": "faculty",
                "db_table": "academics_faculty",
                "ordering": ["employee_no"],
            },
        ),
        migrations.CreateModel(
            name="Programme",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=150, verbose_name="name")),
            ],
            options={
                "verbose_name": "programme",
                "verbose_name_plural": "programmes",
                "db_table": "academics_programme",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=30, verbose_name="code")),
                ("building", models.CharField(blank=True, max_length=100, verbose_name="building")),
                ("capacity", models.PositiveIntegerField(blank=True, null=True, verbose_name="capacity")),
                (
                    "latitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-90),
                            django.core.validators.MaxValueValidator(90),
                        ],
                        verbose_name="latitude",
                    ),
                ),
                (
                    "longitude",
                    models.FloatField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(-180),
                            django.core.validators.MaxValueValidator(180),
                        ],
                        verbose_name="longitude",
                    ),
                ),
                (
                    "geofence_radius_m",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Wins over the school's configured radius.",
                        null=True,
                        verbose_name="radius in metres",
                    ),
                ),
            ],
            options={
                "verbose_name": "room",
                "verbose_name_plural": "rooms",
                "db_table": "academics_room",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Section",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="Of an elective without cohort.",
                        max_length=60,
                        verbose_name="name",
                    ),
                ),
            ],
            options={
                "verbose_name": "section",
                "verbose_name_plural": "sections",
                "db_table": "academics_section",
                "ordering": ["course__code", "cohort__code", "name"],
            },
        ),
        migrations.CreateModel(
            name="Student",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("enrollment_no", models.CharField(max_length=30, verbose_name="enrollment number")),
                (
                    "study_year",
                    models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="year of study"),
                ),
                (
                    "date_of_birth",
                    core.fields.EncryptedDateField(blank=True, null=True, verbose_name="date of birth"),
                ),
                (
                    "guardian_contact",
                    core.fields.EncryptedTextField(
                        blank=True, max_length=200, null=True, verbose_name="guardian contact"
                    ),
                ),
            ],
            options={
                "verbose_name": "student",
                "verbose_name_plural": "students",
                "db_table": "academics_student",
                "ordering": ["enrollment_no"],
            },
        ),
        migrations.CreateModel(
            name="StudentSnapshot",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=150, verbose_name="name")),
                ("enrollment_no", models.CharField(max_length=30, verbose_name="enrollment number")),
                ("department_code", models.CharField(blank=True, max_length=20, verbose_name="department")),
                ("cohort_code", models.CharField(blank=True, max_length=40, verbose_name="cohort")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("created_at", models.DateTimeField(verbose_name="first seen")),
            ],
            options={
                "verbose_name": "student snapshot",
                "verbose_name_plural": "student snapshots",
                "db_table": "attendance_student_snapshot",
            },
        ),
        migrations.CreateModel(
            name="Term",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("starts_on", models.DateField(verbose_name="first day")),
                ("ends_on", models.DateField(verbose_name="last day")),
            ],
            options={
                "verbose_name": "term",
                "verbose_name_plural": "terms",
                "db_table": "academics_term",
                "ordering": ["-starts_on"],
            },
        ),
        migrations.CreateModel(
            name="Cohort",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="academics.cohort",
                        verbose_name="class group",
                    ),
                ),
            ],
            options={
                "verbose_name": "cohort",
                "verbose_name_plural": "cohorts",
                "db_table": "academics_cohort",
                "ordering": ["code"],
            },
        ),
    ]
