"""The settings of a system on embedded servers."""

from affectstream.runtime.settings import load
from affectstream.up import on_embedded


def test_embedded_servers_are_spoken_to_without_the_users_and_certificates_of_others(tmp_path):
    kafka = {"security_protocol": "SASL_SSL", "sasl_username": "me", "sasl_password": "hush"}
    secured = load(
        kafka=kafka | {"topic_prefix": "team.", "bootstrap": "kafka:9093"},
        redis={"url": "rediss://redis:6380/0", "username": "me", "password": "hush", "ttl_s": 600},
    )

    here = on_embedded(secured, "127.0.0.1:1", "unix:///run/redis.sock")

    assert (here.kafka.bootstrap, here.kafka.embedded, here.kafka.topic_prefix) == (
        "127.0.0.1:1",
        True,
        "team.",
    )
    assert (here.kafka.security_protocol, here.kafka.sasl_password) == ("PLAINTEXT", None)
    assert (here.redis.url, here.redis.ttl_s) == ("unix:///run/redis.sock", 600)
    assert (here.redis.username, here.redis.password) == (None, None)
