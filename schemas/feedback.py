"""A supervisor's mark on a window: right or wrong, and what it should have been.

Marks are kept apart from the results and change none of them; they are exported as data for an evaluation.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from affectstream.schemas.messages import Party

Emotion = Literal["neutral", "happy", "sad", "angry", "fear", "disgust", "surprise"]


class Mark(BaseModel):
    """What somebody holds of one final window of a party."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    party: Party = Field(description="whose window it is")
    end_ms: int = Field(ge=0, description="of the window, milliseconds since the Unix epoch")
    right: bool = Field(description="whether the displayed label is right")
    label: Emotion | None = Field(None, description="what it should have been; null: not stated")
    by: str = Field("api", pattern=r"^[\w .@-]{1,64}$", description="who says so, for the audit log")

    @property
    def window(self) -> str:
        """The window of a session that is marked; a later mark of it replaces this one."""
        return f"{self.party} {self.end_ms}"
