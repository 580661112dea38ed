from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("attendance", "0010_plans")]

    operations = [
        migrations.AddField(
            model_name="session",
            name="absences_untold",
            field=models.BooleanField(default=False, db_default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                "starts_at", condition=models.Q(("absences_untold", True)), name="session_to_tell"
            ),
        ),
    ]
