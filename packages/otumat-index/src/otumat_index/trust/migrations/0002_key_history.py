from __future__ import annotations

from datetime import UTC

from django.db import migrations, models

from otumat.spec.key_list import composed_addition, composed_end, read_change
from otumat.spec.keys import PublicKey
from otumat.spec.statement import strict_json
from otumat.spec.vouching.keyring import KeyRecord


def write_history(apps, schema_editor):
    """Keys that are there already: first that each came, then that some ended."""
    scopes = {}
    for key in apps.get_model("trust", "Key").objects.order_by("pk"):
        scopes.setdefault(key.scope, []).append(key)
    change = apps.get_model("trust", "Change")
    change.objects.bulk_create(row for scope, keys in scopes.items() for row in rows_of(change, scope, keys))


def rows_of(change, scope, keys):
    previous, number = "", 0
    for compose, key in [*((addition, key) for key in keys), *((end, key) for key in keys if key.revoked_at)]:
        number += 1
        payload = compose(scope, key, number, previous)
        previous = read_change({"payload": strict_json.base64_of(payload)}).digest
        yield change(scope=scope, number=number, payload=payload, digest=previous)


def addition(scope, key, number, previous):
    record = KeyRecord(PublicKey.from_der(bytes(key.spki)), role=key.role, note=key.note)
    return composed_addition(scope, number=number, previous=previous, at=moment(key.added_at), key=record)


def end(scope, key, number, previous):
    since = moment(key.revoked_at)
    return composed_end(
        scope, number=number, previous=previous, at=since, key_id=key.key_id, kind=key.revoked_for, since=since,
        reason=key.reason,
    )  # fmt: skip


def moment(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Migration(migrations.Migration):

    dependencies = [
        ('trust', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Change',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=255)),
                ('number', models.PositiveIntegerField(db_comment='1 for the first of its scope')),
                ('payload', models.BinaryField(db_comment='JSON, byte for byte as it is signed')),
                ('signatures', models.JSONField(db_comment="of the scope's own keys: keyid, sig", default=list)),
                ('digest', models.CharField(db_comment='SHA-256 of the payload', max_length=64)),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('scope', 'number'), name='trust_change_once')],
            },
        ),
        migrations.RunPython(write_history, migrations.RunPython.noop),
    ]
