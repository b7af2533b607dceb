
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='UsedAssertion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=300)),
                ('jti', models.CharField(db_comment='SHA-256 of its jti, or of what was signed where it has none', max_length=64)),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.AddField(
            model_name='token',
            name='minted_for',
            field=models.TextField(blank=True, db_comment='whom the issuer named', default=''),
        ),
        migrations.AddField(
            model_name='token',
            name='publishers',
            field=models.JSONField(blank=True, db_comment="list of trusted publishers; null: a person's", null=True),
        ),
        migrations.AlterField(
            model_name='token',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='token',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('publishers__isnull', True), ('user__isnull', False)), models.Q(('publishers__isnull', False), ('user__isnull', True)), _connector='OR'), name='accounts_token_of_person_or_publishers'),
        ),
        migrations.AddConstraint(
            model_name='usedassertion',
            constraint=models.UniqueConstraint(fields=('issuer', 'jti'), name='accounts_assertion_once'),
        ),
    ]
