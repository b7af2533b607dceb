import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The names of events of projects without a manifest, for there is a bound."""

    dependencies = [("publish", "0001_initial"), ("usage", "0012_out_of_log")]

    operations = [
        migrations.CreateModel(
            "BareName",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="publish.project"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["project", "name"], name="usage_bare_name_once")]
            },
        ),
    ]
