"""The cache for functions of one text."""

from __future__ import annotations

from otumat.spec.remembering import remember


def test_short_texts_are_worked_out_once_and_long_ones_are_not_kept():
    seen = []

    @remember(2, max_chars=3)
    def shout(text: str) -> str:
        seen.append(text)
        return text.upper()

    assert [shout(text) for text in ("abc", "abc", "abcd", "abcd")] == ["ABC", "ABC", "ABCD", "ABCD"]
    assert seen == ["abc", "abcd", "abcd"]
