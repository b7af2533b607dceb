import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_no_install_before'),
    ]

    operations = [
        migrations.CreateModel(
            name='InstallSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.RemoveField(model_name='tokenfamily', name='install'),
        migrations.AddField(
            model_name='tokenfamily',
            name='secret',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='family', to='accounts.installsecret', default=0),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name='tokenfamily', name='secret_sha256'),
        migrations.AddField(
            model_name='tokenfamily',
            name='legacy_digest',
            field=models.CharField(blank=True, db_comment='of the client secret of a copy of Otumat 0.3, whose tokens only tell uses', db_default='', default='', max_length=64),
        ),
        migrations.RenameField(model_name='familytoken', old_name='sha256', new_name='digest'),
    ]
