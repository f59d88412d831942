"""AWS's event stream, held to botocore's parser of it."""

from binascii import crc32
from random import Random
from struct import pack

import pytest
from botocore.eventstream import EventStreamBuffer

from invoke_proxy.sagemaker.event_stream import EventStream, EventStreamError, Message

_EVENT = b"\x0d:message-type\x07\x00\x05event"
# One header of every type; only the last is a string.
_ALL_TYPES = (
    b"\x01a\x00\x01b\x01\x01c\x02\x7f\x01d\x03\x00\x01\x01e\x04\x00\x00\x00\x01"
    b"\x01f\x05\x00\x00\x00\x00\x00\x00\x00\x01\x01g\x06\x00\x02xy"
    b"\x01h\x08\x00\x00\x00\x00\x00\x00\x00\x01\x01i\x09" + b"\x00" * 16 + _EVENT
)


def message(headers: bytes, payload: bytes) -> bytes:
    prelude = pack(">II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + pack(">I", crc32(prelude)) + headers + payload
    return whole + pack(">I", crc32(whole))


def test_messages_are_those_that_botocore_finds_however_they_are_cut() -> None:
    random = Random(7)  # noqa: S311 - the same bytes each time
    sent = b"".join(
        message(random.choice((_EVENT, _ALL_TYPES, b"")), random.randbytes(random.randrange(200)))
        for _ in range(300)
    )
    theirs, ours = EventStreamBuffer(), EventStream()
    found: list[Message] = []
    theirs.add_data(sent)
    at = 0
    while at < len(sent):
        step = random.randrange(1, 500)
        found += ours.feed(sent[at : at + step])
        at += step
    expected = list(theirs)
    assert [each.payload for each in found] == [each.payload for each in expected]
    for each, known in zip(found, expected, strict=True):
        strings = {name: value for name, value in known.headers.items() if isinstance(value, str)}
        assert dict(each.headers) == strings


@pytest.mark.parametrize("at", [0, 5, 9, 14, 40, -1])
def test_a_changed_byte_is_found(at: int) -> None:
    sent = bytearray(message(_EVENT, b"payload" * 5))
    sent[at] ^= 1
    with pytest.raises(EventStreamError, match="checksum"):
        list(EventStream().feed(bytes(sent)))


@pytest.mark.parametrize(("length", "headers"), [(15, 0), (40, 30), (2**31, 0)])
def test_impossible_lengths_are_refused_before_the_message_has_come(
    length: int, headers: int
) -> None:
    prelude = pack(">II", length, headers)
    with pytest.raises(EventStreamError, match="lengths of a message are impossible"):
        list(EventStream().feed(prelude + pack(">I", crc32(prelude))))


@pytest.mark.parametrize(
    "headers",
    [b"\x01a\x0a", b"\x01a\x07\x00\x09x", b"\x01a", b"\x05a", b"\x01a\x07\x00",
     b"\x01\xff\x07\x00\x00"],
    ids=["type", "value", "no type", "name", "no size", "encoding"],
)  # fmt: skip
def test_unreadable_headers_are_refused(headers: bytes) -> None:
    with pytest.raises(EventStreamError, match="a header is unreadable"):
        list(EventStream().feed(message(headers, b"")))
