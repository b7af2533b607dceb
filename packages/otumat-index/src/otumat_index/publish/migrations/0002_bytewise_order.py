"""Sort keys and normalised names compare bytewise on every engine: SQLite does already, PostgreSQL is told to."""

from django.db import migrations

COLUMNS = (("publish_release", "sort_key", 400), ("publish_project", "normalized", 255), ("publish_file", "filename", 300))


def bytewise(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, column, length in COLUMNS:
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({length}) COLLATE "C"')


class Migration(migrations.Migration):
    dependencies = [("publish", "0001_initial")]
    operations = [migrations.RunPython(bytewise, migrations.RunPython.noop)]
