"""
PEP 740: attestations that a build service's certificate signed.

    reading.py       pure: the object, and the statement inside
    certificates.py  the certificate: by whom, for whom, valid when; the only place that touches X.509
    checking.py      both together, for one file

What is checked: the statement names this file and its SHA-256; the certificate's key signed the statement; one of the
configured authorities signed the certificate; it was valid when the file came; its identity is one of those expected.
What is not: the entries of the transparency log. They are kept and served, and whoever reads them can check them.

Source: PEP 740; DSSE 1.0; in-toto attestation framework 1.0.
"""
