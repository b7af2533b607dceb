"""
How things are shown: results on standard output, everything said along the way on standard error.

Text may come from an index or a stranger's file, so control characters are made visible before a terminal sees them.
"""

from __future__ import annotations

import io

from otumat.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from otumat.errors import OtumatError, Problem

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


class Console:
    """
    The terminal, pipe or file at the other side of this process.

    Attributes:
        as_json: The result is one JSON object on standard output, and nothing else is shown there.
        may_ask: Questions are allowed, if there is somebody to answer them.
        beside_an_error: What that object tells beside the error if the command fails from here on.
    """

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        *,
        environ: Mapping[str, str],
        as_json: bool = False,
        may_ask: bool = True,
    ) -> None:
        self._stdin, self._stdout, self._stderr = stdin, stdout, stderr
        self._coloured = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.as_json = as_json
        self.may_ask = may_ask
        self.beside_an_error: Mapping[str, object] = {}
        for stream in (stdout, stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a narrow encoding must not turn a result into a crash

    @property
    def is_interactive(self) -> bool:
        """Whether a person can be asked."""
        return self.may_ask and self._stdin.isatty() and self._stderr.isatty()

    @property
    def is_live(self) -> bool:
        """Whether a line on standard error can be drawn again and again."""
        return self._stderr.isatty()

    @property
    def width(self) -> int | None:
        """Columns of the terminal that results are shown on; None for a pipe or a file, which have no width."""
        from shutil import get_terminal_size

        return get_terminal_size().columns if self._stdout.isatty() else None

    def show(self, text: str = "") -> None:
        """A line of the result."""
        print(text, file=self._stdout)

    def show_json(self, value: Mapping[str, object]) -> None:
        from json import dumps

        print(dumps(value, indent=2, ensure_ascii=False), file=self._stdout)

    def note(self, text: str = "") -> None:
        """A line about what is going on; no part of the result."""
        self._stdout.flush()  # both may end in one log, where their order matters
        print(text, file=self._stderr, flush=True)

    def redraw(self, text: str) -> None:
        """Replace the line that the cursor is on."""
        print(f"\r\x1b[K{text}", end="", file=self._stderr, flush=True)

    def style(self, text: str, style: str, *, on_stderr: bool = False) -> str:
        stream = self._stderr if on_stderr else self._stdout
        return f"\x1b[{style}m{text}\x1b[0m" if self._coloured and stream.isatty() else text

    def ask(self, question: str) -> str:
        """One line from the person at the terminal; the end of input is a way to stop, like Ctrl-C."""
        print(question, end="", file=self._stderr, flush=True)
        line = self._stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.strip()

    def ask_yes(self, question: str) -> bool:
        """Whether the person says yes; anything else, and silence, is no."""
        return self.ask(f"{question} [y/N]: ").lower() in ("y", "yes")

    def ask_secret(self, question: str) -> str:
        """One line that is not shown while it is typed."""
        from getpass import getpass

        try:
            return getpass(question, stream=self._stderr)
        except EOFError:
            raise KeyboardInterrupt from None

    def read_secret(self) -> str:
        """The first line of standard input, without its line end."""
        return self._stdin.readline().rstrip("\r\n")

    def show_table(self, rows: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Labels with one or more lines each; rows without a line are left out."""
        filled = [(label, [printable(line) for line in lines]) for label, lines in rows]
        filled = [(label, lines) for label, lines in filled if any(lines)]
        width = max((len(label) for label, _ in filled), default=0)
        for label, (first, *others) in filled:
            self.show(f"  {self.style(label.ljust(width), DIM)}  {first}")
            for line in others:
                self.show(f"  {'':{width}}  {line}")

    def show_columns(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table with a title above each column."""
        lines = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(titles, *lines, strict=True)]
        for number, line in enumerate([list(titles), *lines]):
            text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            self.show(self.style(text, DIM) if number == 0 else text)

    def show_done(self, word: str, words: str, **told: object) -> int:
        """What was done, in a line that begins with its word in green; for scripts, what is told. Exit code 0."""
        if self.as_json:
            self.show_json({"ok": True, **told})
        else:
            self.show(f"{self.style(word, GREEN)}: {printable(words)}")
        return 0

    def show_listed(self, titles: Sequence[str], rows: Sequence[Sequence[str]], **told: object) -> int:
        """A table, or that there is nothing to show; for scripts, what is told. Exit code 0."""
        if self.as_json:
            self.show_json({"ok": True, **told})
        elif rows:
            self.show_columns(titles, rows)
        else:
            self.note("There are none.")
        return 0

    def tell_error(self, exc: OtumatError) -> None:
        """What went wrong: on standard error for people; for scripts, as the JSON object they wait for."""
        if not self.as_json:
            self.tell_person(exc)
            return
        error = {"code": exc.code, "message": exc.message, "hint": exc.hint}
        told = [problem.as_dict() for problem in exc.problems] if isinstance(exc, Invalid) else []
        self.show_json({"ok": False, "error": error, "problems": told, **self.beside_an_error})

    def tell_person(self, exc: OtumatError) -> None:
        """What went wrong, on standard error, with every problem."""
        separator = "\n" if exc.message.endswith("\n") else " "  # below the output of a build, on a line of its own
        hint = separator + exc.hint if exc.hint else ""
        text = printable(exc.message.rstrip() + hint, keep_lines=True)
        self.note(f"{self.style('otumat:', RED, on_stderr=True)} {text}")
        # An error with one problem that says the same says it once.
        if isinstance(exc, Invalid) and [problem.message for problem in exc.problems] != [exc.message]:
            self.tell_problems(exc.problems)

    def tell_problems(self, problems: Iterable[Problem]) -> None:
        """Every problem with its value, what to do, what was perhaps meant, and where the rule is written."""
        for problem in sorted(problems, key=lambda each: each.severity != "error"):
            is_error = problem.severity == "error"
            label = self.style("error  " if is_error else "warning", RED if is_error else YELLOW, on_stderr=True)
            first, *others = _sentences(problem)
            self.note(f"  {label}  {first}")
            for line in others:
                self.note(f"           {line}")


def printable(text: str, *, keep_lines: bool = False) -> str:
    """
    Text with control and direction-changing characters written out, for they can rewrite what a terminal shows.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if _is_harmless(each, keep_lines) else each.encode("unicode_escape").decode() for each in text)


def _is_harmless(character: str, keep_lines: bool) -> bool:
    if character == "\n":
        return keep_lines
    from unicodedata import category

    return category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def columns_of(text: str) -> int:
    """
    How many columns of a terminal a text takes: two for letters of East Asia, none for marks upon others.

    >>> columns_of("caf\\u00e9"), columns_of("cafe\\u0301"), columns_of("\\u65e5\\u672c")
    (4, 4, 4)
    """
    from unicodedata import combining, east_asian_width

    wide = sum(east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(combining(each) != 0 for each in text)


def cut(text: str, columns: int) -> str:
    """
    Text that takes so many columns at most.

    >>> cut("issue tracking", 8), cut("mail", 8)
    ('issue t…', 'mail')
    """
    if columns_of(text) <= columns:
        return text
    kept = text[:columns]
    while columns_of(kept) >= columns:
        kept = kept[:-1]
    return f"{kept.rstrip()}…" if len(kept.rstrip()) + 1 < columns else f"{kept}…"


def size_text(size_bytes: int) -> str:
    """
    A size for people, in decimal units.

    >>> size_text(999), size_text(72_400_000)
    ('999 bytes', '72.4 MB')
    """
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


def _sentences(problem: Problem) -> list[str]:
    lines = [f"{problem.field}: {problem.message}" if problem.field else problem.message]
    if problem.value and problem.value not in problem.message:
        lines.append(f"The value is {problem.value!r}.")
    lines.append(problem.hint)
    others = [each for each in problem.suggestions if each not in problem.hint]
    if others:
        lines.append(("Or: " if problem.hint else "Perhaps: ") + "; ".join(others))
    if problem.rule:
        lines.append(f"Rule: {problem.rule}")
    return [printable(line) for line in lines if line]
