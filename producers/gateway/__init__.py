"""The gateway: calls that telephony platforms stream in, one file per protocol, one path to the topics."""
