"""The tree of errors that a user may meet.

AffectError                 anything the project raises on purpose; its text is fit for a user
├── MessageError            bytes or fields that break the contract of a message
│   ├── TooLarge            longer than the topic allows, refused before decoding
│   ├── WrongVersion        a major version that this process does not speak
│   └── Malformed           not MessagePack, a wrong type, a missing field, an impossible value
├── InputError              a file, stream or argument that cannot be used
├── SettingsError           an unknown or impossible setting
├── PolicyError             something that the operator has not permitted
├── ModelError              weights or a model card that cannot be used
└── Unavailable             a broker, a Redis or a device that does not answer
    └── NoRoom              a disk that is full
"""


class AffectError(Exception):
    """Anything the project raises on purpose; the text says what was wrong, where, and what to do."""


class MessageError(AffectError):
    """Bytes or fields that break the contract of a message."""

    reason = "malformed"


class TooLarge(MessageError):
    """Longer than the topic allows."""

    reason = "too_large"


class WrongVersion(MessageError):
    """A major version that this process does not speak."""

    reason = "wrong_version"


class Malformed(MessageError):
    """Not MessagePack, a wrong type, a missing field or an impossible value."""

    reason = "malformed"


class InputError(AffectError):
    """A file, stream or argument that cannot be used."""


class SettingsError(AffectError):
    """An unknown or impossible setting."""


class PolicyError(AffectError):
    """Something that the operator has not permitted."""


class ModelError(AffectError):
    """Weights or a model card that cannot be used."""


class Unavailable(AffectError):
    """A broker, a Redis or a device that does not answer."""


class NoRoom(Unavailable):
    """A disk, or a user's share of it, that is full."""
