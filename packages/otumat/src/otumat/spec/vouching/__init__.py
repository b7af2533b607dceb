"""
Who vouches for what: bytes and keys in, a `Verdict` out. Pure, and of the standard library alone.

    keyring.py     a project's keys, and what is asked of its signatures
    checking.py    an envelope's signatures against those keys
    wheel.py       what is in a wheel: each file it installs, with its digest
    blobs.py       what git and otumat 0.3 name its members
    comparing.py   what was signed against what is there
    judged.py      a wheel and its envelope, from the bytes to the verdict
    verdict.py     what came of it, for programs and for people

A client asks it of what is installed (`otumat.trust`), an index of what is uploaded. Start with `judged.py`.
"""
