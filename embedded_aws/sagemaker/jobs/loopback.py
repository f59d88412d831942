"""Replaces itself by a program, with loopback up: a new network namespace has it down.

python loopback.py PROGRAM [ARGUMENT ...]
"""

import fcntl
import os
import socket
import struct
import sys

_SET_FLAGS, _UP = 0x8914, 1  # Linux: SIOCSIFFLAGS, IFF_UP

if __name__ == "__main__":
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted
