"""A paho client whose callbacks are events that a scenario waits for, with a deadline."""

import itertools
import queue
import socket

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from scenario import V5, Failed, equal

# Nothing on one machine takes as long, unless it does not happen at all.
DEADLINE = 5.0

_sentinels = itertools.count(1)


def properties(packet, **values):
    """`properties("PUBLISH", MessageExpiryInterval=3)`."""
    made = Properties(getattr(PacketTypes, packet))
    for name, value in values.items():
        setattr(made, name, value)
    return made


class Peer:
    def __init__(self, world, name, clean=True, will=None, keep_alive=60, session_expiry=None,
                 will_properties=None, manual_ack=False, connect=None):
        self.world = world
        self.version = world.version
        self.client_id = world.client_id(name) if name else ""
        self.events = queue.Queue()
        self._passed = []
        self._arguments = {"keepalive": keep_alive}
        more = {}
        if self.version == V5:
            block = connect or properties("CONNECT")
            if session_expiry is not None:
                block.SessionExpiryInterval = session_expiry
            self._arguments.update(clean_start=clean, properties=block)
        else:
            more["clean_session"] = clean
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, self.client_id,
                                protocol=self.version, reconnect_on_failure=False,
                                manual_ack=manual_ack, **more)
        # What paho queues by itself it may send in another order than it was published in.
        self.paho.max_inflight_messages_set(1_000)
        if will is not None:
            topic, payload, qos, retain = will
            self.paho.will_set(topic, payload, qos, retain, properties=will_properties)
        self._listen()
        world.closes(self)

    def _listen(self):
        put = self.events.put
        client = self.paho
        client.on_connect = lambda _c, _u, flags, code, block: put(("connected", (flags, code, block)))
        client.on_message = lambda _c, _u, message: put(("message", message))
        client.on_publish = lambda _c, _u, mid, code, _p: put(("published", (mid, code)))
        client.on_subscribe = lambda _c, _u, mid, codes, _p: put(("subscribed", (mid, codes)))
        client.on_unsubscribe = lambda _c, _u, mid, codes, _p: put(("unsubscribed", (mid, codes)))
        client.on_disconnect = lambda _c, _u, _f, code, _p: put(("disconnected", code))

    def connect(self, code="Success"):
        self.paho.connect(self.world.host, self.world.port, **self._arguments)
        self.paho.loop_start()
        flags, reason, block = self.wait("connected")
        equal(str(reason), code, "CONNACK")
        self.session_present = flags.session_present
        self.connack = block
        return self

    def wait(self, kind, seconds=DEADLINE):
        """The next event of a kind; others stay for whoever waits for them."""
        for at, (found, value) in enumerate(self._passed):
            if found == kind:
                del self._passed[at]
                return value
        while True:
            try:
                found, value = self.events.get(timeout=seconds)
            except queue.Empty:
                kinds = [name for name, _ in self._passed]
                raise Failed(f"{self.client_id}: no {kind} within {seconds} s, only {kinds}") from None
            if found == kind:
                return value
            self._passed.append((found, value))

    def subscribe(self, topic, qos=0, block=None, **options):
        """Says the reason codes, as numbers."""
        if self.version == V5:
            how = SubscribeOptions(qos=qos, **options)
            _, mid = self.paho.subscribe(topic, options=how, properties=block)
        else:
            _, mid = self.paho.subscribe(topic, qos)
        return self._answer("subscribed", mid)

    def unsubscribe(self, *topics):
        _, mid = self.paho.unsubscribe(list(topics))
        return self._answer("unsubscribed", mid)

    def _answer(self, kind, mid):
        found, codes = self.wait(kind)
        equal(found, mid, f"packet id of what was {kind}")
        return [code.value for code in codes]

    def publish(self, topic, payload, qos=0, retain=False, block=None):
        """Waits for the end of the handshake; says its reason code, as a number."""
        info = self.paho.publish(topic, payload, qos, retain, block)
        mid, code = self.wait("published")
        equal(mid, info.mid, "packet id of what was published")
        return code.value

    def message(self, seconds=DEADLINE):
        return self.wait("message", seconds)

    def hears(self, topic, payload, qos=None, retain=None):
        found = self.message()
        equal((found.topic, found.payload), (topic, payload.encode()), "message")
        if qos is not None:
            equal(found.qos, qos, f"QoS of {topic}")
        if retain is not None:
            equal(found.retain, retain, f"RETAIN of {topic}")
        return found

    def hears_nothing(self):
        """A message of its own comes behind all that was on its way before."""
        topic = f"sentinel/{self.client_id}/{next(_sentinels)}"
        self.subscribe(topic, 0)
        self.publish(topic, b"")
        found = self.message()
        equal(found.topic, topic, "nothing was due, but there is")
        self.unsubscribe(topic)

    def cut(self):
        """The line breaks without a word."""
        line = self.paho.socket()
        if line is not None:
            line.shutdown(socket.SHUT_RDWR)
        self.wait("disconnected")
        self.close()

    def leave(self, code=None, **values):
        more = {}
        if self.version == V5:
            more["properties"] = properties("DISCONNECT", **values)
            if code is not None:
                more["reasoncode"] = ReasonCode(PacketTypes.DISCONNECT, identifier=code)
        self.paho.disconnect(**more)
        self.wait("disconnected")
        self.close()

    def close(self):
        line = self.paho.socket()
        if line is not None:
            line.shutdown(socket.SHUT_RDWR)
        self.paho.loop_stop()


def clock(world, seconds, name="clock"):
    """Waits for what a broker does by time, by something else that it does by time: a will."""
    topic = world.topic(f"{name}/strikes")
    ear = Peer(world, f"{name}-ear").connect()
    ear.subscribe(topic)
    delay = properties("WILLMESSAGE", WillDelayInterval=seconds)
    hand = Peer(world, f"{name}-hand", will=(topic, "now", 0, False), will_properties=delay,
                session_expiry=seconds + 60)
    hand.connect()
    hand.cut()
    ear.message(seconds + DEADLINE)
