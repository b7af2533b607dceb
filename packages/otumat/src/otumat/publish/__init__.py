"""
Publishing: tell an index about a release (`register`), give it the files (`upload`), and look after both.

    project.py               core metadata from a project's folder, a built file or a PKG-INFO
    register.py              the draft's `submit` and `verify`
    upload.py                files: looked at here first, then sent
    account.py               an account in three steps, and its API tokens
    people.py                roles and invitations
    record.py                yanks, and the journal
    api.py                   the management API that these ask
    reply.py                 what an index answers to any of them
    setuptools_commands.py   `setup(discriminators=...)` and `python setup.py register`; loaded by setuptools alone

May import `otumat.transport`, `otumat.settings`, `otumat.spec` and `otumat.errors`. Prints nothing, asks nothing.
"""
