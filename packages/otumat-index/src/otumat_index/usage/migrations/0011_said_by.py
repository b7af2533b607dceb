import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def told_by_the_journal(apps, schema_editor):
    """Whose a yes is that was said before its row knew: the journal does."""
    entries = apps.get_model("journal", "Entry").objects.filter(action="usage.publish")
    users = apps.get_model("accounts", "User").objects
    for said in apps.get_model("usage", "Publication").objects.filter(is_on=True).select_related("project"):
        entry = entries.filter(topic=said.project.normalized).order_by("-serial").first()
        said.said_by = users.filter(username=entry.actor).first() if entry else None
        said.save(update_fields=["said_by"])


class Migration(migrations.Migration):
    """Who said that everybody may see how a project is used."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("journal", "0001_initial"),
        ("usage", "0010_copies_of_images"),
    ]

    operations = [
        migrations.AddField(
            "publication",
            "said_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(told_by_the_journal, migrations.RunPython.noop),
    ]
