"""Conversations of platforms that resemble Twilio Media Streams, as their documentation shows them."""

import base64

SILENCE = base64.b64encode(b"\xff" * 160).decode()  # in mu-law
LINEAR = base64.b64encode(bytes(3200)).decode()  # 0.2 s at 8 kHz
BY_VENDOR = {
    "Telnyx": [
        {"event": "connected", "version": "1.0.0"},
        {
            "event": "start",
            "sequence_number": "1",
            "start": {
                "user_id": "u",
                "call_control_id": "v3:1",
                "call_session_id": "s",
                "from": "+1",
                "to": "+2",
                "tags": ["t"],
                "client_state": "aGF2",
                "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
            },
            "stream_id": "32DE",
        },
        {
            "event": "media",
            "sequence_number": "4",
            "media": {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": SILENCE},
            "stream_id": "32DE",
        },
        {"event": "error", "payload": {"code": 100002, "title": "t", "detail": "d"}, "stream_id": "32DE"},
        {"event": "stop", "sequence_number": "5", "stop": {"user_id": "u"}, "stream_id": "32DE"},
    ],
    "Plivo": [
        {
            "sequenceNumber": 0,
            "event": "start",
            "start": {
                "callId": "v3:1",
                "streamId": "b7",
                "accountId": "M",
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 8000},
            },
            "extra_headers": "{}",
        },
        {
            "sequenceNumber": 1,
            "streamId": "b7",
            "event": "media",
            "media": {"track": "inbound", "timestamp": "1700000000005", "chunk": 2, "payload": LINEAR},
            "extra_headers": "{}",
        },
        {"event": "stop", "streamId": "b7"},
    ],
    "Exotel": [
        {"event": "connected"},
        {
            "event": "start",
            "sequence_number": "1",
            "stream_sid": "e",
            "start": {
                "stream_sid": "e",
                "call_sid": "v3:1",
                "account_sid": "a",
                "from": "1",
                "to": "2",
                "custom_parameters": {},
                "media_format": {"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"},
            },
        },
        {
            "event": "media",
            "sequence_number": "2",
            "stream_sid": "e",
            "media": {"chunk": "2", "timestamp": "5", "payload": LINEAR},
        },
        {"event": "stop", "sequence_number": "3", "stream_sid": "e", "stop": {"call_sid": "v3:1"}},
    ],
}
