import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_install_secrets'),
        ('usage', '0004_no_install_before'),
    ]

    operations = [
        migrations.RemoveField(model_name='install', name='name'),
        migrations.AddField(
            model_name='install',
            name='family',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tokenfamily', default=0),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name='enrolment', name='install'),
        migrations.AddField(
            model_name='enrolment',
            name='family',
            field=models.BigIntegerField(db_comment='of the install it became; a second use ends that', null=True),
        ),
    ]
