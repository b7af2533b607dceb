"""Settings: their sources, all mistakes at once, and secrets that stay secret."""

from __future__ import annotations

import dataclasses
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from otumat.errors import Invalid
from otumat_index.cli import main
from otumat_index.config import Config, read, secret_key


def environ(data: Path, **values: str) -> dict[str, str]:
    return {"OTUMAT_DATA": str(data), **values}


def problems(data: Path, **values: str) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        Config.from_env(environ(data, **values))
    return {problem.field: str(problem) for problem in caught.value.problems}


def test_without_a_word_everything_has_a_default(tmp_path: Path) -> None:
    config, sources = read(environ(tmp_path))
    assert config == Config(data=tmp_path)
    assert set(sources.values()) == {"default", "OTUMAT_DATA"}


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('workers = 3\nINDEX_NAME = "From file"\nsign_up = false\n')
    config, sources = read(environ(tmp_path, WORKERS="4"), index_name="Said")
    assert (config.workers, config.index_name, config.sign_up) == (4, "Said", False)
    assert (sources["workers"], sources["index_name"], sources["sign_up"]) == (
        "environment",
        "command line",
        "settings.toml",
    )


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("wokers = 3\nsign_up = 7\n")
    found = problems(
        tmp_path,
        WORKERS="none",
        MAX_FILE_MB="-1",
        NAME_CLAIMS="anarchy",
        PUBLIC_URL="index.example.org",
        TRUSTED_PROXIES="10.0.0.1, the proxy",
        DATABASE_URL="mysql://host/name",
        LOG_FORMAT="xml",
        MAIL_URL_FILE=str(tmp_path / "absent"),
    )
    assert set(found) == {
        *("wokers", "sign_up", "workers", "max_file_mb", "name_claims", "public_url", "trusted_proxies"),
        *("database_url", "log_format", "mail_url"),
    }
    assert "expected one of open, admin" in found["name_claims"]
    assert "'the proxy'" in found["trusted_proxies"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "1.5"),
        ("WORKERS", "٣"),
        ("WORKERS", "9" * 20),
        ("WEB_THREADS", "0"),
        ("BODY_TIMEOUT_S", "0"),
        ("SIGN_UP", "perhaps"),
        ("PUBLIC_URL", "ftp://example.org"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "http://[::1"),
        ("PUBLIC_URL", "http://example.org:99999"),
        ("PUBLIC_URL", "https://example.org/prefix"),
        ("PUBLIC_URL", "https://example.org/?a=b"),
        ("PUBLIC_URL", "https://user:word@example.org"),
        ("DATABASE_URL", "sqlite:///elsewhere.db"),
        ("DATABASE_URL", "postgresql://host:port/name"),
        ("FILES_URL", "file:///somewhere"),
        ("FILES_URL", "s3://"),
        ("MAIL_URL", "smtp://host:0"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path: Path, name: str, value: str) -> None:
    assert set(problems(tmp_path, **{name: value})) == {name.lower()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql:///otumat?host=/run/postgresql"),
        ("DATABASE_URL", "postgres://user:word@db:5432/otumat"),
        ("FILES_URL", "s3://key:word@bucket/prefix?endpoint=http://127.0.0.1:8333"),
        ("MAIL_URL", "smtps://user:word@mail.example.org:465"),
        ("PUBLIC_URL", "https://index.example.org/"),
        ("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8, ::1"),
    ],
)
def test_values_that_can_be_are_taken(tmp_path: Path, name: str, value: str) -> None:
    assert getattr(Config.from_env(environ(tmp_path, **{name: value})), name.lower()) == value


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("workers == 3")
    assert "cannot be read" in problems(tmp_path)["settings.toml"]


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    config, sources = read(environ(tmp_path, SECRET_KEY_FILE=str(tmp_path / "key")))
    assert (config.secret_key, sources["secret_key"]) == ("from the file", "SECRET_KEY_FILE")


@pytest.mark.parametrize("text", ["secret_key = 12345678901234567890\n", 'metrics_token = ["hush-hush"]\n'])
def test_A89_a_mistake_in_a_secret_does_not_show_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    told = " ".join(problems(tmp_path, DATABASE_URL="mysql://user:hush-hush@host/db").values())
    assert "hush-hush" not in told
    assert "12345678901234567890" not in told


def test_the_secret_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    config = Config(data=tmp_path / "new")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(secret_key(config))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) >= 50
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret.key"]


def run_settings(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, *words: str, **values: str) -> str:
    monkeypatch.setattr("os.environ", environ(data, **values))
    assert main(["settings", *words]) == 0
    shown: str = capsys.readouterr().out
    return shown


def test_settings_documents_every_one_and_hides_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    secrets = {each.name.upper(): "x" for each in dataclasses.fields(Config) if each.metadata["secret"]}
    secrets |= {
        "DATABASE_URL": "postgresql://user:hush-hush@host/db",
        "EVENTS_URL": "postgresql://user:hush-hush@host/events",
        "FILES_URL": "s3://key:hush-hush@bucket",
        "MAIL_URL": "smtp://user:hush-hush@host",
        "SECRET_KEY": "hush-hush",
        "METRICS_TOKEN": "hush-hush",
    }
    text = run_settings(tmp_path, monkeypatch, capsys, **secrets)
    assert "hush-hush" not in text
    rows = {row["name"]: row for row in json.loads(run_settings(tmp_path, monkeypatch, capsys, "--json", **secrets))}
    assert set(rows) == {each.name.upper() for each in dataclasses.fields(Config)}
    assert all(rows[name]["value"] == "[set, not shown]" for name in secrets)
    assert all(row["why"].strip() and row["source"] for row in rows.values())
    assert all(f"{name} = " in text for name in rows)


def test_mistakes_end_a_command_with_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("os.environ", environ(tmp_path, WORKERS="x", LOG_LEVEL="LOUD"))
    assert main(["settings"]) == 1
    told = capsys.readouterr().err
    assert "WORKERS is 'x'" in told
    assert "LOG_LEVEL is 'LOUD'" in told
    assert "Traceback" not in told
