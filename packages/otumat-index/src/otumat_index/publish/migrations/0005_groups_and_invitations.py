import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_groups'),
        ('publish', '0004_trusted_publisher'),
    ]

    operations = [
        migrations.AlterField(
            model_name='role',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='roles', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='role',
            name='group',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='roles', to='accounts.group'),
        ),
        migrations.AddConstraint(
            model_name='role',
            constraint=models.UniqueConstraint(fields=('project', 'group'), name='publish_group_role_once'),
        ),
        migrations.AddConstraint(
            model_name='role',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group__isnull', True), ('user__isnull', False)), models.Q(('group__isnull', False), ('user__isnull', True)), _connector='OR'), name='publish_role_of_user_or_group'),
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(blank=True, db_comment='lower case', db_index=True, default='', max_length=254)),
                ('kind', models.CharField(choices=[('owner', 'Owner'), ('maintainer', 'Maintainer'), ('reader', 'Reader')], max_length=16)),
                ('is_transfer', models.BooleanField(db_comment='accepting it clears every other role', default=False)),
                ('sha256', models.CharField(blank=True, db_index=True, default='', max_length=64)),
                ('salt', models.CharField(blank=True, default='', max_length=32)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='publish.project')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [
                    models.UniqueConstraint(fields=('project', 'user'), name='publish_invitation_once'),
                    models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('project', 'email'), name='publish_invitation_address_once'),
                    models.CheckConstraint(condition=models.Q(models.Q(('email', ''), ('user__isnull', False)), models.Q(('user__isnull', True), models.Q(('email', ''), _negated=True)), _connector='OR'), name='publish_invitation_of_user_or_address'),
                ],
            },
        ),
    ]
