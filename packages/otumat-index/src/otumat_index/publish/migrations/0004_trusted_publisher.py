
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('publish', '0003_newest_release'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TrustedPublisher',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pending_name', models.CharField(blank=True, db_comment='normalised', db_index=True, default='', max_length=255)),
                ('issuer', models.CharField(max_length=300)),
                ('kind', models.CharField(db_comment='which rules read its claims: github, gitlab, google, other', max_length=16)),
                ('key', models.CharField(db_comment='SHA-256 of the claim that a token is looked up by', max_length=64)),
                ('claims', models.JSONField(db_comment='what a token must say')),
                ('pinned', models.JSONField(blank=True, db_comment='ids that the first token said, and all must say', default=dict)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(blank=True, db_comment='of pending ones', null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='publishers', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='publishers', to='publish.project')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['issuer', 'key'], name='publish_tru_issuer_5f8ae4_idx')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('expires_at__isnull', True), ('pending_name', ''), ('project__isnull', False)), models.Q(('expires_at__isnull', False), ('project__isnull', True), models.Q(('pending_name', ''), _negated=True)), _connector='OR'), name='publish_publisher_of_project_or_pending')],
            },
        ),
    ]
