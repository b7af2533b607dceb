"""
UsageAgent: what a host program builds once and calls `log` on.

Whatever happens here is our trouble, never the host's: nothing is raised, printed or waited for (but the one
question that `otumat.usage.asking` may ask). What is on this page runs in the host's import and hot paths; all else
is imported when needed. (No annotations from the future here, nor in `places` and `answers`: those are a module, too.)
"""

import os
import sys
from time import time_ns

import otumat
from otumat.usage import places
from otumat.usage.answers import OFF, ON, RECORDING, UNSET, Answer, read, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from otumat.usage.counters import Counter
    from otumat.usage.spool import Writer

_ENVIRON, _DO_NOT_TRACK, _OTUMAT_USAGE = places.ENVIRON, places.DO_NOT_TRACK, places.OTUMAT_USAGE
_S = 1_000_000_000
_LOOK_AGAIN_S = 60
_LOOK_AGAIN_WHEN_SILENT_S = 10
_HEADS_MAX = 1000
_TRIES = 50


class UsageAgent:
    """
    Counts how a package is used, if its user said yes.

    >>> agent = UsageAgent(package_name="datajoint", host="https://index.example.org", enrolment="manual")
    >>> agent.log(event_type="fetch", backend="mysql")

    Args:
        author, data_directory: Where Otumat 0.3 kept its files; only read, to take over what is there.
        package_name: Name of the package, or of the project.
        host: Where uses go; the package's manifest has the last word.
        install_route, event_route, refresh_route: Routes of a host that speaks the dialect of Otumat 0.3.
        response_timeout: How long the question, and the browser, are waited for, in seconds.
        upload_frequency: How often uses are sent: `24h`, `90m`, `1h30m`.
        enrolment: What happens at an interactive terminal while nobody has answered: `prompt` asks, `notice` prints one
            line, `manual` does nothing.
        manifest: Path of the manifest, if it is not `otumat-usage.toml` in the package's folder.
    """

    def __init__(
        self,
        *,
        author: str = "",
        data_directory: str = "",
        package_name: str,
        host: str | None = None,
        install_route: str | None = None,
        event_route: str | None = None,
        refresh_route: str | None = None,
        response_timeout: float = 60,
        upload_frequency: str = "24h",
        enrolment: str = "prompt",
        manifest: str | os.PathLike[str] | None = None,
    ) -> None:
        self.config: dict[str, Any] = {
            "author": author,
            "data_directory": data_directory,
            "package_name": package_name,
            "host": host,
            "install_route": install_route,
            "event_route": event_route,
            "refresh_route": refresh_route,
            "response_timeout": response_timeout,
            "upload_frequency": upload_frequency,
            "collect": False,
        }
        self._enrolment = enrolment
        self.manifest = manifest
        self.folder = ""
        self.answer = Answer()
        self._level = OFF
        self._writer: Writer | None = None
        self._heads: dict[object, bytes] = {}
        self.tail = b""
        self._said: tuple[object, object] = (None, None)
        self._looked = self.looks_again_at = 0
        try:
            self._begin()
        except Exception:  # noqa: BLE001, S110 - our trouble, never the host's
            pass

    @property
    def home_path(self) -> "Path":
        """The folder of this package's state; it need not exist."""
        from pathlib import Path

        return Path(self.folder or os.devnull)

    def log(self, event_type: str, **properties: str) -> None:
        """
        Note one use, if the user said yes. About 4 µs; never raises.

        Args:
            event_type: Name of a declared event; without a manifest, any short name.
            properties: Declared properties. A value outside its vocabulary counts as `other` if there is such a value.
        """
        try:
            now = time_ns()
            head = self.head_of(event_type, properties, now)
            if head:
                self.write(head, now)
        except Exception:  # noqa: BLE001, S110 - our trouble, never the host's
            pass

    def counter(self, event_type: str, **properties: str) -> "Counter":
        """
        A counter of one event, for hot paths: make it once, then call its `add()`, which takes half a microsecond.

        Args:
            event_type, properties: As for `log`.
        """
        from otumat.usage.counters import Counter

        return Counter(self, event_type, properties)

    def show_logs(self) -> list[tuple[str, str]] | None:
        """What is held on this machine as (UTC time, event), oldest first; None when nothing is recorded."""
        try:
            self._look()
            if self._level not in RECORDING:
                return None
            from otumat.usage.state import logged

            return logged(self.folder)
        except Exception:  # noqa: BLE001 - our trouble, never the host's
            return None

    def install(self) -> None:
        """Ask, if there is a terminal and nobody has answered yet, and enrol."""
        self._quietly("install")

    def uninstall(self) -> None:
        """Withdraw: off from now on, nothing held is kept, the host is told, the background service is removed."""
        self._quietly("uninstall")

    def send(self) -> None:
        """Send what is held, now and in this process."""
        self._quietly("send")

    def refresh_token(self) -> None:
        """Get new tokens for this install."""
        self._quietly("refresh_token")

    def recurring_send(self, *, start: object = None, frequency: str = "24h") -> None:
        """
        Send again and again, while the user's yes holds.

        Args:
            start: A datetime of the first round; without a zone it is UTC.
            frequency: As `upload_frequency`.
        """
        self._quietly("recurring_send", start, frequency)

    def save_config(self) -> None:
        """Kept for programs of Otumat 0.3: `config["collect"] = False` withdraws. A program cannot say yes."""
        self._quietly("save_config", self.config.get("collect"))

    def _quietly(self, name: str, *arguments: object) -> None:
        try:
            from otumat.usage import calls

            self._look()
            getattr(calls, name)(self, *arguments)
            self.looks_again_at = 0
            self._look()
        except Exception:  # noqa: BLE001, S110 - our trouble, never the host's
            pass

    @staticmethod
    def has_terminal() -> bool:
        """Whether somebody sits there; closed, missing and replaced streams are nobody."""
        try:
            return bool(sys.stdin.isatty() and sys.stderr.isatty())
        except (AttributeError, ValueError):
            return False

    def _begin(self) -> None:
        self._look()
        config = self.config
        if self._level == UNSET and config["data_directory"]:
            old = places.old_config(config["author"], config["data_directory"])
            if old and os.path.exists(old):
                from otumat.usage.takeover import take_over

                take_over(self.folder, old, package=config["package_name"], config=config)
                self._look()
        if self._level in (UNSET, *RECORDING) and self._enrolment in ("prompt", "notice") and self.has_terminal():
            self._ask()
        self.looks_again_at = 0

    def _ask(self) -> None:
        """Ask whoever sits there, if nobody has answered, or if the package asks for more than was accepted."""
        if self._level != UNSET and not self._asks_for_more():
            return
        from otumat.usage.asking import consider

        consider(self, self._enrolment)
        self._look()

    def _asks_for_more(self) -> bool:
        """Whether the manifest's file is another one, or the agent's host is, as far as can be told without reading."""
        host = str(self.config["host"] or "").rstrip("/")
        known = self.answer
        moves = self._level == ON and known.bare and host not in ("", known.host) and host not in known.declined
        return moves or known.seen != places.stamp(self.manifest, self.config["package_name"])

    def _look(self) -> None:
        """Read the answer, and what denies it, again."""
        package = str(self.config["package_name"])
        self.folder = folder = places.folder(package)
        if not folder or not places.is_ours(folder):
            self._level = OFF
            return
        self.answer = read(folder)
        if self.answer.level in RECORDING or os.environ.get("OTUMAT_USAGE"):
            self._look_at_denials(package)
        else:
            self._level = self.answer.level  # nothing that could be denied
        self.config["collect"] = self._level in RECORDING

    def _look_at_denials(self, package: str) -> None:
        from otumat.usage import denials

        # A dependant's wish is asked at every use, for it may come and go.
        self._level, source = denials.effective(package, self.answer.level, dependants=False)
        if self._level in RECORDING and source == "OTUMAT_USAGE" and denials.in_ci():
            self._accept_in_ci(package)

    def _accept_in_ci(self, package: str) -> None:
        self.folder = places.folder(package, in_ci=True)
        self.answer = read(self.folder)
        if self.answer.level != self._level:
            from otumat.usage.calls import accept_in_ci

            accept_in_ci(self, self._level)
            self.answer = read(self.folder)

    def _look_again(self, now: int) -> None:
        """Once in a while: is the answer still the same, and is a round of sending due?"""
        try:
            self._said = _said()
            self._look()
            self._heads.clear()
            if self._level in RECORDING:
                self._begin_writing(now)
            else:
                self._stop_writing()
        finally:  # last, so that another thread does not go by before there is a writer
            wait_s = _LOOK_AGAIN_S if self._writer is not None else _LOOK_AGAIN_WHEN_SILENT_S
            self._looked, self.looks_again_at = now, now + wait_s * _S

    def _begin_writing(self, now: int) -> None:
        if self._writer is None:
            from otumat.usage.spool import Writer

            self._settle()
            level, writer = self._level, Writer(self.folder, self._level)
            self._look()  # again: who withdraws stores the answer, then deletes what is there
            if self._level != level:
                return
            self._writer = writer
        if self._level == ON:
            from otumat.usage.spawning import send_if_due

            config = self.config
            send_if_due(self.folder, str(config["package_name"]), now // _S, str(config["upload_frequency"]))

    def _settle(self) -> None:
        """Before anything is written: was this folder copied, as an image is that somebody starts?"""
        if self._level == ON and not places.is_noted(self.folder):
            from otumat.usage.changing import settle

            settle(self.folder, wait_s=0.2)

    def _stop_writing(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.park()

    def head_of(self, event_type: str, properties: dict[str, str], now: int) -> bytes | None:
        """What a use's record begins with; empty when it was not accepted, None when nothing is recorded now."""
        if now >= self.looks_again_at or now < self._looked:  # or the clock was put back
            self._look_again(now)
        if self._writer is None or self._is_denied_now():
            return None
        key = (event_type, *properties.items()) if properties else event_type
        head = self._heads.get(key)
        return self._admit(key, event_type, properties) if head is None else head

    def write(self, head: bytes, now: int, times: int = 1) -> None:
        """Write a use down, or several equal ones."""
        tail = self.tail if times == 1 else b"%b\t%d\n" % (self.tail[:-1], times)
        line = b"%b%d%b" % (head, now // 1000, tail)
        writer = self._writer
        if writer is not None and not writer.write(line):
            self._write_elsewhere(line)

    def _write_elsewhere(self, line: bytes) -> None:
        """The segment is full or sealed, or was wiped because the user withdrew: what does the answer say now?"""
        from otumat.usage.spool import NoRoom

        for _ in range(_TRIES):  # it may be sealed again under our hands
            known = stamp(self.folder)
            self._look()
            writer, level = self._writer, self._level
            if writer is None or level not in RECORDING:
                self._stop_writing()
                return
            try:
                writer.reopen(level)
            except NoRoom:
                from otumat.usage.evicting import count_gone

                count_gone(self.folder, line)
                return
            except OSError:  # nothing can be written, which is not tried again at each use
                self._stop_writing()
                self.looks_again_at = time_ns() + _LOOK_AGAIN_WHEN_SILENT_S * _S
                return
            # Who withdraws stores the answer, then deletes what is there: the same answer holds for what we opened.
            if stamp(self.folder) == known and writer.write(line):
                return

    def _is_denied_now(self) -> bool:
        """The denials that a program can change while it runs; the others are looked at once a minute."""
        said = _said()
        if said != self._said:
            self._look_again(time_ns())
        if not otumat.DISABLE_USAGE_TRACKING_PACKAGES:
            return self._writer is None
        from otumat.usage.denials import is_disabled

        return self._writer is None or is_disabled(str(self.config["package_name"]))

    def _admit(self, key: object, name: str, properties: dict[str, str]) -> bytes:
        """What a use's record begins with; nothing for a use that was not declared and accepted."""
        from otumat.usage.admitting import accepted_properties
        from otumat.usage.spool import prefix, suffix

        if len(self._heads) >= _HEADS_MAX:
            self._heads.clear()
        if not self.tail:
            from otumat.usage.denials import in_ci
            from otumat.usage.releases import release_of

            package, project = str(self.config["package_name"]), self.answer.project
            self.tail = suffix(release_of(package, project=project, manifest=self.manifest), in_ci=in_ci())
        accepted = accepted_properties(self.answer, name, properties)
        head = self._heads[key] = prefix(name, accepted) if accepted is not None else b""
        return head


def _said() -> tuple[object, object]:
    """What the two variables say, in whatever form; to be compared only."""
    return _ENVIRON.get(_DO_NOT_TRACK), _ENVIRON.get(_OTUMAT_USAGE)
