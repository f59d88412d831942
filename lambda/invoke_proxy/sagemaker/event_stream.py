"""AWS's event stream: its messages, from bytes that may be cut anywhere.

Botocore's parser takes as long for a message as everything else that the proxy does for a token.
"""

from binascii import crc32
from collections.abc import Iterator, Mapping
from functools import lru_cache
from struct import error as too_short
from struct import unpack_from
from typing import NamedTuple

# A prelude is two lengths and their checksum; a message's last four bytes are the checksum of all.
_LENGTHS, _PRELUDE, _CHECKSUM = 8, 12, 4
_MAX_MESSAGE_BYTES = 24 * 1024 * 1024  # botocore's
# The bytes of a header's value by its type; those of arrays and strings follow in two bytes.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_ARRAY, _STRING = 6, 7


class EventStreamError(Exception):
    """Bytes that are not an event stream's."""


class Message(NamedTuple):
    """A message: its headers that are strings, and its payload."""

    headers: Mapping[str, str]
    payload: bytes


class EventStream:
    """Cuts the bytes of one stream into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that are complete; raise EventStreamError for other bytes."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        while size - at >= _PRELUDE:
            length, headers_length, checksum = unpack_from(">III", data, at)
            headers_at = at + _PRELUDE
            payload_at = headers_at + headers_length
            end = at + length
            payload_end = end - _CHECKSUM
            impossible = payload_at > payload_end or length > _MAX_MESSAGE_BYTES
            if impossible or end > size:
                if crc32(data[at : at + _LENGTHS]) != checksum:
                    raise EventStreamError("the checksum of a prelude is wrong")
                if impossible:
                    raise EventStreamError("the lengths of a message are impossible")
                break
            # The message's checksum is of its prelude too.
            if crc32(data[at:payload_end]) != int.from_bytes(data[payload_end:end]):
                raise EventStreamError("the checksum of a message is wrong")
            headers = _headers(data[headers_at:payload_at])
            yield Message(headers, data[payload_at:payload_end])
            at = end
        self._rest = data[at:]


@lru_cache(maxsize=16)  # All parts of all answers have the same.
def _headers(data: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            type_at = at + 1 + data[at]
            value_at, size = type_at + 1, _SIZES.get(data[type_at])
            if size is None and data[type_at] in {_ARRAY, _STRING}:
                (size,) = unpack_from(">H", data, value_at)
                value_at += 2
            if size is None or value_at + size > len(data):
                raise EventStreamError("a header is unreadable")
            if data[type_at] == _STRING:
                name = data[at + 1 : type_at].decode()
                headers[name] = data[value_at : value_at + size].decode()
            at = value_at + size
    except (IndexError, UnicodeDecodeError, too_short) as fault:
        raise EventStreamError("a header is unreadable") from fault
    return headers
