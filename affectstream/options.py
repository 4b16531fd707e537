"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE",
        help="a media file of one party, or a session.json that names several",
        show_default=False,
    ),
]
PartyFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--party", help="another party's file: agent=agent.flac (repeat for more)", show_default=False
    ),
]
Channels = Annotated[
    str | None,
    typer.Option(
        help="whose is each channel (or track): customer,agent; - is nobody, mix one party, both a mixture",
        show_default=False,
    ),
]
TranscriptFile = Annotated[
    Path | None,
    typer.Option(
        "--transcript",
        "-t",
        help="WebVTT, SRT, SBV, or JSON of Whisper, Amazon, AssemblyAI, Azure, Deepgram or Google",
        show_default=False,
    ),
]
Speakers = Annotated[
    list[str] | None,
    typer.Option("--speaker", help="whose name in the transcript is whose: customer=Ana", show_default=False),
]
Offsets = Annotated[
    list[str] | None,
    typer.Option(
        "--offset",
        help="when files begin, in s after the start: agent=1.5, or transcript=-3600",
        show_default=False,
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option("--session", "-s", help="session id; default: the file's name", show_default=False),
]
Asr = Annotated[
    bool, typer.Option("--asr", help="recognise the words of sound that has no transcript (extra asr)")
]
CallId = Annotated[
    str | None,
    typer.Option(
        help="your platform's id of the call: the session id is a hash of it under gateway.session_key",
        show_default=False,
    ),
]
Purpose = Annotated[
    str | None,
    typer.Option(
        help="permit the agent party: medical, safety, own-training or synthetic", show_default=False
    ),
]
PlotFile = Annotated[Path | None, typer.Option(help="timeline as .png, .svg or .pdf")]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="all of it as one .html file, to read or to mail")
]
Speed = Annotated[
    float | None, typer.Option(min=0.01, help="times real time; default: as fast as it is consumed")
]
Start = Annotated[
    str, typer.Option(help="event time of the start: now, ms since the epoch, or recorded (of .mcap)")
]
RunId = Annotated[
    str | None, typer.Option(help="id of this run of the session; default: drawn", show_default=False)
]
From = Annotated[str | None, typer.Option("--from", help="begin there: seconds, or 1:30", show_default=False)]
To = Annotated[str | None, typer.Option("--to", help="end there", show_default=False)]
Loops = Annotated[int, typer.Option(min=1, max=10_000, help="so often, each under an id and run of its own")]
Copies = Annotated[int, typer.Option(min=1, max=1_000, help="so many beside each other, likewise")]
StartOffset = Annotated[
    float,
    typer.Option(min=0, max=86_400, help="seconds from the start of one of several to the next one's"),
]
IdSuffix = Annotated[str, typer.Option(help="behind the ids of the sessions", show_default=False)]
Results = Annotated[
    bool, typer.Option("--results", help="of .mcap: what the workers made of the media, for the fusion alone")
]
