from django.db import migrations


def forget(apps, schema_editor):
    """Installs from before their secrets have names at rest; no release of ours ever made one."""
    apps.get_model("usage", "Install").objects.all().delete()
    apps.get_model("usage", "Enrolment").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('usage', '0003_legacy_agent'),
    ]

    operations = [
        migrations.RunPython(forget, migrations.RunPython.noop),
    ]
