"""Bytes on a socket, for what no decent client sends."""

import socket
import struct
import time

from scenario import V5, Failed, equal

DEADLINE = 5.0

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)


def text(words):
    data = words if isinstance(words, bytes) else words.encode()
    return struct.pack(">H", len(data)) + data


def length(number):
    out = b""
    while True:
        number, rest = divmod(number, 128)
        out += bytes([rest | (128 if number else 0)])
        if not number:
            return out


def packet(first, body):
    return bytes([first]) + length(len(body)) + body


def connect(version, client_id, keep_alive=0, clean=True, block=b"", name="MQTT", flags=0):
    head = text(name) + bytes([version, flags | (2 if clean else 0)])
    head += struct.pack(">H", keep_alive)
    if version == V5:
        head += length(len(block)) + block
    return packet(CONNECT << 4, head + text(client_id))


def publish(version, topic, payload, qos=0, packet_id=None, block=b"", flags=0):
    body = text(topic)
    if packet_id is not None:
        body += struct.pack(">H", packet_id)
    if version == V5:
        body += length(len(block)) + block
    return packet(PUBLISH << 4 | qos << 1 | flags, body + payload)


class Line:
    """A connection. Packets come back as (first byte, body)."""

    def __init__(self, world):
        self.line = world.closes(socket.create_connection((world.host, world.port), DEADLINE))
        self.version = world.version
        self.bytes = b""

    def send(self, data):
        self.line.sendall(data)
        return self

    def connects(self, world, name, **options):
        self.send(connect(self.version, world.client_id(name), **options))
        first, body = self.packet()
        equal((first, body[1]), (CONNACK << 4, 0), "CONNACK")
        return body

    def packet(self, seconds=DEADLINE):
        """The next packet; `None` when the broker closed."""
        end = time.monotonic() + seconds
        while (found := self._whole()) is None:
            self.line.settimeout(max(end - time.monotonic(), 0.001))
            try:
                data = self.line.recv(65536)
            except TimeoutError:
                raise Failed(f"neither a packet nor a close within {seconds} s") from None
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.bytes += data
        return found

    def closed(self, reason=None, seconds=DEADLINE):
        """The broker says goodbye, in MQTT 5 with a reason, and closes."""
        found = self.packet(seconds)
        if found is not None:
            first, body = found
            equal(first, DISCONNECT << 4, "first byte before the close")
            if reason is not None:
                equal(body[0], reason, "reason of the DISCONNECT")
            found = self.packet(seconds)
        elif reason is not None and self.version == V5:
            raise Failed(f"closed without the reason {reason:#04x}")
        equal(found, None, "after the DISCONNECT")

    def _whole(self):
        size, shift = 0, 0
        for at, byte in enumerate(self.bytes[1:5], 1):
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if len(self.bytes) < at + 1 + size:
                    return None
                body = self.bytes[at + 1:at + 1 + size]
                found = self.bytes[0], body
                self.bytes = self.bytes[at + 1 + size:]
                return found
        return None


def connack_number(body, wanted, size):
    """A number among the properties of a CONNACK of MQTT 5; `None` if it is not there."""
    sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
    rest = body[3:3 + body[2]]
    while rest:
        kind, rest = rest[0], rest[1:]
        taken = sizes.get(kind)
        if taken is None:
            taken = 2 + struct.unpack(">H", rest[:2])[0]
        if kind == wanted:
            return int.from_bytes(rest[:size], "big")
        rest = rest[taken:]
    return None
