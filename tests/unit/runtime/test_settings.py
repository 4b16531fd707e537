"""Settings: one file and the environment, unknown names refused, secrets kept, handed on to subprocesses."""

import os

import pytest
from pydantic import ValidationError

from affectstream.runtime.settings import KafkaSettings, RedisSettings, Settings, as_env, describe, load
from affectstream.schemas.errors import SettingsError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("AFFECT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_need_no_file_and_no_environment():
    settings = load()
    assert settings == Settings()
    assert settings.kafka.bootstrap == "127.0.0.1:9092"
    assert (settings.video.batch_rows, settings.audio.batch_rows, settings.text.batch_rows) == (8, 8, 8)


def test_arguments_win_over_the_environment_and_that_over_the_file(monkeypatch, tmp_path):
    (tmp_path / "affectstream.toml").write_text(
        '[kafka]\nbootstrap = "file:1"\nclient_id = "file"\ntopic_prefix = "file."\n'
        "[fusion.trust]\nvideo = 0.25\n"
    )
    monkeypatch.setenv("AFFECT_KAFKA__BOOTSTRAP", "env:2")
    monkeypatch.setenv("AFFECT_KAFKA__CLIENT_ID", "env")
    settings = load(kafka={"bootstrap": "argument:3"})
    assert settings.kafka.bootstrap == "argument:3"
    assert settings.kafka.client_id == "env"
    assert settings.kafka.topic_prefix == "file."
    assert settings.fusion.trust.video == 0.25


def test_another_file_is_named_by_the_environment(monkeypatch, tmp_path):
    (tmp_path / "other.toml").write_text("[api]\nport = 9000\n")
    monkeypatch.setenv("AFFECT_CONFIG", str(tmp_path / "other.toml"))
    assert load().api.port == 9000
    monkeypatch.setenv("AFFECT_CONFIG", str(tmp_path / "missing.toml"))
    with pytest.raises(SettingsError, match=r"missing\.toml, which is not a file"):
        load()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "[kafka]\nbotstrap = 'x'\n",
            r"unknown setting kafka\.botstrap in .*did you mean kafka\.bootstrap\?",
        ),
        (
            "[kafak]\nbootstrap = 'x'\n",
            r"unknown setting kafak\.bootstrap in .*did you mean kafka\.bootstrap\?",
        ),
        ("rule = 'x'\n", r"unknown setting rule in .*did you mean fusion\.rule\?"),
        ("[fusion.trust]\nvidoe = 1\n", r"unknown setting fusion\.trust\.vidoe .*fusion\.trust\.video\?"),
        ("[kafka\n", r"affectstream\.toml cannot be read as TOML.*line 1"),
        ("[fusion]\nwindow_ms = 'long'\n", r"setting fusion\.window_ms: .*integer.*AFFECT_FUSION__WINDOW_MS"),
        ("[fusion]\nwindow_ms = 5\n", r"setting fusion\.window_ms: .*greater than or equal to 100"),
        ("[redis]\nurl = 'http://x'\n", r"setting redis\.url: starts with redis://"),
        ("[redis]\nurl = 'redis://[::1'\n", r"setting redis\.url: is redis://HOST:PORT/NUMBER"),
        ("[kafka]\nbootstrap = 'a:b'\n", r"setting kafka\.bootstrap: is HOST:PORT"),
        ("[kafka]\nbootstrap = 'a:9092,'\n", r"setting kafka\.bootstrap: is HOST:PORT"),
        ("[redis]\nurl = 'redis://:pw@x'\n", r"redis\.url: holds credentials; name them in redis\.username"),
        ("[policy]\nagent_purpose = 'fun'\n", r"policy\.agent_purpose: one of medical, safety"),
        ("[kafka]\nsecurity_protocol = 'SASL_SSL'\n", r"setting kafka: a SASL protocol needs sasl_username"),
        ("kafka = 3\n", r"unknown setting kafka in .*did you mean"),
    ],
)
def test_a_fault_in_the_file_is_named_with_what_was_meant(tmp_path, text, fault):
    (tmp_path / "affectstream.toml").write_text(text)
    with pytest.raises(SettingsError, match=fault):
        load()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("AFFECT_KAFKA__BOTSTRAP", "AFFECT_KAFKA__BOOTSTRAP"),
        ("AFFECT_KAFKA_BOOTSTRAP", "AFFECT_KAFKA__BOOTSTRAP"),
        ("AFFECT_FUSON__RULE", "AFFECT_FUSION__RULE"),
        ("affect_redis__ulr", "AFFECT_REDIS__URL"),
    ],
)
def test_an_unknown_name_in_the_environment_is_an_error(monkeypatch, name, nearest):
    monkeypatch.setenv(name, "x")
    with pytest.raises(
        SettingsError, match=f"unknown setting {name} in the environment; did you mean {nearest}"
    ):
        load()


def test_an_unknown_argument_is_an_error():
    with pytest.raises(
        SettingsError, match=r"fusion\.windowms in the arguments; did you mean fusion\.window_ms"
    ):
        load(fusion={"windowms": 5})


def test_the_folder_of_data_is_no_setting(monkeypatch):
    monkeypatch.setenv("AFFECT_DATA", "/data")
    assert load() == Settings()


def test_settings_cannot_be_changed_afterwards():
    settings = load()
    with pytest.raises(ValidationError):
        settings.kafka = KafkaSettings()
    with pytest.raises(ValidationError):
        settings.kafka.bootstrap = "x"


def test_a_subprocess_gets_the_same_settings_whatever_its_file_says(monkeypatch, tmp_path):
    settings = load(
        kafka={"embedded": True, "topic_prefix": "t.", "instance_id": None},
        redis={"password": "hush", "ca_file": "/ca.pem"},
        video={"live_budget_ms": 500},
        fusion={"early": ["text"], "trust": {"audio": 0.1 + 0.2}},
    )
    (tmp_path / "affectstream.toml").write_text(
        "[fusion]\nwindow_ms = 5000\n[kafka]\ninstance_id = 'a'\n[audio]\nlive_budget_ms = 9\n"
    )
    for name, value in as_env(settings).items():
        monkeypatch.setenv(name, value)
    assert load() == settings


def test_a_secret_from_a_file_is_handed_on_as_the_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("hush\n")
    settings = load(redis={"password_file": str(tmp_path / "secret")})
    assert settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == "hush"
    env = as_env(settings)
    assert "hush" not in env.values()
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert load() == settings


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"setting kafka: sasl_password_file: the file cannot be read"):
        load(kafka={"sasl_password_file": str(tmp_path / "none")})
    (tmp_path / "secret").write_text("hush")
    with pytest.raises(SettingsError, match="both password and password_file are set"):
        load(redis={"password": "x", "password_file": str(tmp_path / "secret")})


TWILIO = {"twilio_token": "x", "public_url": "wss://calls.example.com"}


@pytest.mark.parametrize(
    ("name", "others"),
    [("token", TWILIO), ("session_key", {}), ("audiohook_secret", TWILIO | {"audiohook_key": "x"})],
)
def test_an_empty_secret_is_refused_and_none_is_none(monkeypatch, tmp_path, name, others):
    (tmp_path / "secret").write_text("\n")
    for empty in ({name: ""}, {f"{name}_file": str(tmp_path / "secret")}):
        with pytest.raises(SettingsError, match=f"setting gateway: {name} is empty"):
            load(gateway=others | empty)
    monkeypatch.setenv(f"AFFECT_GATEWAY__{name.upper()}", "")
    with pytest.raises(SettingsError, match=f"{name} is empty"):
        load()
    monkeypatch.setenv(f"AFFECT_GATEWAY__{name.upper()}", "none")
    assert getattr(load().gateway, name) is None


def test_no_secret_is_ever_shown():
    kafka = {"security_protocol": "SASL_SSL", "sasl_username": "me", "sasl_password": "hush-hush"}
    settings = load(kafka=kafka, redis={"password": "hush-hush"})
    shown = [str(settings), repr(settings), settings.model_dump_json(), *map(str, describe(settings))]
    assert not any("hush-hush" in text for text in shown)
    with pytest.raises(SettingsError) as refused:
        load(redis={"password": ["hush-hush"]})
    assert "hush-hush" not in str(refused.value)


def test_describe_names_every_setting_once_and_marks_the_changed_ones():
    lines = describe(load(kafka={"bootstrap": "b:1"}, redis={"password": "x"}))
    assert len({line.key for line in lines}) == len(lines) > 50
    changed = {line.key: line.value for line in lines if line.changed}
    assert changed == {"kafka.bootstrap": "b:1", "redis.password": "********"}
    by_key = {line.key: line for line in lines}
    assert by_key["fusion.early"].value == "video,audio"
    assert by_key["video.live_budget_ms"].value == "none"
    assert by_key["fusion.trust.text"].env == "AFFECT_FUSION__TRUST__TEXT"


def test_redis_settings_accept_tls_and_sockets():
    assert RedisSettings(url="rediss://redis:6380/1").url.startswith("rediss")
    assert RedisSettings(url="unix:///run/redis.sock").url.startswith("unix")
