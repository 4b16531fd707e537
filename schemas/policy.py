"""Which parties may be analysed.

EU AI Act, article 5(1)(f): inferring the emotions of employees at work is prohibited except for medical or
safety reasons. So the agent party is refused unless the operator names one of the permitted purposes, and so
is `other`: a mixture holds the agent's voice, and a third person may be employed as well.
"""

from affectstream.schemas.errors import PolicyError
from affectstream.schemas.messages import Party

PURPOSES: dict[str, str] = {
    "medical": "a medical reason, article 5(1)(f)",
    "safety": "a safety reason, article 5(1)(f)",
    "own-training": "the agent's own training; results reach nobody who assesses or promotes",
    "synthetic": "no real person is heard or seen: demonstrations and tests",
}
REFUSED: dict[Party, str] = {
    "agent": "the agent party is not analysed",
    "other": "the party `other` is refused as the agent is, since it may be an employee (leave it out, as in "
    "--channels customer,-; a person who is none can be the customer of another session)",
}


def permits(party: Party, agent_purpose: str | None) -> bool:
    """Say whether ``party`` may be analysed under the operator's setting."""
    return party == "customer" or agent_purpose in PURPOSES


def require(party: Party, agent_purpose: str | None) -> None:
    """Raise PolicyError, with what to do, where ``party`` may not be analysed."""
    if not permits(party, agent_purpose):
        raise PolicyError(
            f"{REFUSED[party]}: inferring employees' emotions at work is prohibited in the EU. "
            f"Where one of the exceptions holds, name it in the setting policy.agent_purpose: "
            f"{', '.join(PURPOSES)}"
        )
