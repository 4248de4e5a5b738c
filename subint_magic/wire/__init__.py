"""What crosses the boundary between parent and child, typed.

messages.py       the messages, as msgspec Structs
conversation.py   which of them may come when
channel.py        a Channel of messages over any trio byte stream
fds.py            the stream over a Unix socket, which passes files as well
"""
