from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether what was erased is out of the database's log, too."""

    dependencies = [("usage", "0011_said_by")]

    operations = [
        migrations.AlterField(
            "erasure",
            "scrubbed",
            models.BooleanField(default=False, db_default=False, db_comment="no dead copy of it is left in a table"),
        ),
        migrations.AddField(
            "erasure",
            "is_out_of_log",
            models.BooleanField(default=False, db_default=False, db_comment="nor in the database's log"),
        ),
    ]
