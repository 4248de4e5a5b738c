"""What crosses the boundary between parent and child, typed.

messages.py   the messages, as msgspec Structs
channel.py    a Channel of messages over any trio byte stream
"""
