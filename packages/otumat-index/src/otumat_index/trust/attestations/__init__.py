"""
PEP 740: attestations that a build service's certificate signed.

    reading.py       pure: the object, and the statement inside
    certificates.py  the certificate: by whom, for whom, valid when; the only place that touches X.509
    log.py           the same and the transparency log, by a Sigstore trusted root; the only place that touches sigstore
    checking.py      all of it together, for one file

What is checked: the statement names this file and its SHA-256; the certificate's key signed the statement; an authority
that the operator names signed the certificate; its identity is one of those expected. And when: with a trusted root,
the log proves that the certificate was valid when it was used. Without one, the entries of the log are kept and served
unchecked, and the certificate must be valid when the file comes.

Source: PEP 740; DSSE 1.0; in-toto attestation framework 1.0.
"""
