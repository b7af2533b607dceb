"""
Publishing: tell an index about a release (`register`), and give it the files (`upload`).

    project.py               core metadata from a project's folder, a built file or a PKG-INFO
    register.py              the draft's `submit` and `verify`
    upload.py                files: looked at here first, then sent
    reply.py                 what an index answers to either
    setuptools_commands.py   `setup(discriminators=...)` and `python setup.py register`; loaded by setuptools alone

May import `otumat.transport`, `otumat.settings`, `otumat.spec` and `otumat.errors`. Prints nothing, asks nothing.
"""
