from django.db import migrations, models
from django.db.models.deletion import PROTECT


class Migration(migrations.Migration):
    """No change of the database: a name for the way back, from a family of tokens to its install."""

    dependencies = [("accounts", "0009_install_secrets"), ("usage", "0008_published_and_told")]

    operations = [
        migrations.AlterField(
            "install",
            "family",
            models.OneToOneField("accounts.TokenFamily", PROTECT, related_name="told_by"),
        ),
    ]
