"""
Mail about uses: digests by week or month for who asks for them, and alerts that owners define.

`rules.py` decides what is due and what fires, and is pure; `actions.py` writes down what was told, once, and queues the
mail in the same transaction; `letters.py` writes it when it leaves. Who wants a digest says so where all mail is
chosen (`/account/mail/`).
"""
