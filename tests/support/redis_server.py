"""A real Redis that speaks TLS only and has a user for each process, started by `deploy/redis-start`."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from support.kafka_server import certificate, listens, wait_until
from support.paths import ROOT

from affectstream.runtime.process import die_with_parent, free_port
from affectstream.runtime.settings import RedisSettings

USERS = ("worker", "fusion", "alerts", "record", "producer", "api", "operator")


@dataclass(frozen=True)
class SecuredRedis:
    """Where it is, and the settings by which a process comes as a user of its own."""

    port: int
    ca_file: Path
    admin: str  # the address of a user who may do everything

    def settings(self, user: str) -> RedisSettings:
        """Settings of the process that is this user, one of USERS."""
        return RedisSettings(
            url=f"rediss://127.0.0.1:{self.port}/0",
            username=f"affect-{user}",
            password=password(user),
            ca_file=self.ca_file,
        )

    async def refusals(self) -> list[str]:
        """What the server has refused so far, and forget it."""
        async with Redis.from_url(self.admin, decode_responses=True) as client:
            found = await client.execute_command("ACL", "LOG")
            await client.execute_command("ACL", "LOG", "RESET")
        return [f"{each['username']}: {each['reason']} {each['object']}" for each in found]


def password(user: str) -> str:
    """What a user of this server signs in with."""
    return f"{user}-hush/&|"


@contextmanager
def secured_redis(folder: Path) -> Iterator[SecuredRedis]:
    """Run the server meanwhile; skips where no redis-server with TLS is installed."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server with TLS on the PATH")
    certificate(folder)
    port = free_port()
    start = shutil.copy(ROOT / "deploy" / "redis-start", folder)
    users = (ROOT / "deploy" / "redis-users.acl").read_text()
    (folder / "redis-users.acl").write_text(f"{users}user tester on >tester ~* +@all\n")
    words = {f"{user.upper()}_PASSWORD": password(user) for user in USERS}
    env = os.environ | words | {"REDIS_SERVER": binary, "USERS_FILE": str(folder / "users.acl")}
    tls = ["--tls-port", str(port), "--tls-cert-file", "ca.pem", "--tls-key-file", "key.pem"]
    tls += ["--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no"]
    server = subprocess.Popen(
        [start, "--port", "0", *tls, "--save", "", "--dir", ".", "--unixsocket", "redis.sock"],
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    )
    try:
        wait_until(lambda: listens(port), 10, "redis-server to start")
        yield SecuredRedis(port, folder / "ca.pem", f"unix://tester:tester@{folder}/redis.sock")
    finally:
        server.kill()
        server.wait()
