"""What is typed into boxes, as the event that uses it brings it."""

from nicegui import ui
from nicegui.events import GenericEventArguments


def typed(*boxes: ui.input) -> str:
    """Return the handler that sends with an event what stands in these boxes.

    What the server knows of them may be older: while a page connects, events overtake one another.
    """
    return f"() => affectTyped(emit, {[box.id for box in boxes]})"


def texts(event: GenericEventArguments) -> list[str]:
    """Return what stood in the boxes, without blanks around it."""
    return [str(text or "").strip() for text in event.args]
