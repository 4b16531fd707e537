"""Recordings of sessions as MCAP files: one session a file, every message with its schema."""

from affectstream.runtime.recording.reader import Recording, open_recording
from affectstream.runtime.recording.record import Recorded

__all__ = ["Recorded", "Recording", "open_recording"]
