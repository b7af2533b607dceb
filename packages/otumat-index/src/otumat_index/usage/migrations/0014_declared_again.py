from django.db import migrations, models


class Migration(migrations.Migration):
    """When a manifest was declared last, and which wheels to look into when they are unyanked."""

    dependencies = [("usage", "0013_bare_names")]

    operations = [
        migrations.RenameField("manifest", "learned_at", "declared_at"),
        migrations.AlterField(
            "manifest",
            "declared_at",
            models.DateTimeField(db_comment="last: by an owner, or when a wheel with it was uploaded"),
        ),
        migrations.AlterModelOptions("manifest", {"ordering": ["declared_at", "pk"]}),
        migrations.AddField(
            "collection",
            "passed_over",
            models.JSONField(default=list, db_comment="older wheels that were yanked then; the newest of them"),
        ),
    ]
