"""Every command, those of groups by both names, and servers that are nowhere."""

from affectstream import cli, commands

GROUPS = {name: list(cli.load(name).commands) for name, entry in commands.COMMANDS.items() if entry.group}
COMMANDS = [
    name if part is None else f"{name} {part}"
    for name in commands.COMMANDS
    for part in GROUPS.get(name, [None])
] + list(commands.BENEATH)
NOWHERE = {"AFFECT_KAFKA__BOOTSTRAP": "127.0.0.1:1", "AFFECT_REDIS__URL": "redis://127.0.0.1:1/0"}
