"""What travels with a message in MQTT 5."""

import raw
from peer import Peer, clock, properties
from scenario import V5, check, equal, scenario


@scenario(V5)
def user_properties_keep_their_order(world):
    pairs = [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("\u00fc", "\u65e5\u672c")]
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 1)
    block = properties("PUBLISH", UserProperty=pairs)
    Peer(world, "mouth").connect().publish(world.topic("t"), "x", 1, block=block)
    equal(ear.message().properties.UserProperty, pairs, "user properties")


@scenario(V5)
def a_request_has_an_answer(world):
    asked = Peer(world, "server").connect()
    asked.subscribe(world.topic("ask"), 1)
    asking = Peer(world, "asking").connect()
    asking.subscribe(world.topic("answers/7"), 1)
    block = properties("PUBLISH", ResponseTopic=world.topic("answers/7"), CorrelationData=b"\0\xff7")
    asking.publish(world.topic("ask"), "how warm?", 1, block=block)
    request = asked.message().properties
    answer = properties("PUBLISH", CorrelationData=request.CorrelationData)
    asked.publish(request.ResponseTopic, "21.5", 1, block=answer)
    found = asking.hears(world.topic("answers/7"), "21.5")
    equal(found.properties.CorrelationData, b"\0\xff7", "correlation data")


@scenario(V5)
def content_type_and_payload_format_arrive(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 1)
    mouth = Peer(world, "mouth").connect()
    block = properties("PUBLISH", ContentType="text/csv", PayloadFormatIndicator=1)
    mouth.publish(world.topic("t"), "1;2", 1, block=block)
    found = ear.message().properties
    equal((found.ContentType, found.PayloadFormatIndicator), ("text/csv", 1), "properties")


@scenario(V5)
def a_topic_alias_stands_for_its_topic(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("#"), 1)
    mouth = Peer(world, "mouth").connect()
    check(getattr(mouth.connack, "TopicAliasMaximum", 0) >= 2, "the broker takes no aliases")
    for topic, alias, heard in [("t", 1, "t"), ("", 1, "t"), ("u", 2, "u"), ("", 1, "t"),
                                ("v", 1, "v"), ("", 1, "v"), ("", 2, "u")]:
        block = properties("PUBLISH", TopicAlias=alias)
        mouth.publish(world.topic(topic) if topic else "", "x", 1, block=block)
        found = ear.hears(world.topic(heard), "x")
        check(not hasattr(found.properties, "TopicAlias"), "an alias that nobody asked for")


@scenario(V5)
def the_broker_uses_aliases_where_a_client_takes_them(world):
    ear = raw.Line(world)
    ear.connects(world, "ear", block=b"\x22\0\2")
    ear.send(raw.packet(raw.SUBSCRIBE << 4 | 2, b"\0\1\0" + raw.text(world.topic("#")) + b"\0"))
    equal(ear.packet()[0], raw.SUBACK << 4, "first byte")
    mouth = Peer(world, "mouth").connect()
    table, in_full = {}, 0
    for name in ["pump/1", "pump/2", "pump/3"] * 12:
        mouth.publish(world.topic(name), "x", 1)
        _, body = ear.packet()
        size = int.from_bytes(body[:2], "big")
        topic, block = body[2:2 + size].decode(), body[2 + size:]
        if block[0] >= 3 and block[1] == 0x23:
            alias = int.from_bytes(block[2:4], "big")
            check(1 <= alias <= 2, f"alias {alias} where 2 are taken")
            topic = table[alias] = topic or table[alias]
        in_full += bool(size)
        equal(topic, world.topic(name), "topic")
    check(in_full < 36, "no alias was used")


@scenario(V5)
def a_message_that_waits_expires(world):
    anna = Peer(world, "anna", clean=False, session_expiry=600).connect()
    anna.subscribe(world.topic("t"), 1)
    anna.leave(SessionExpiryInterval=600)
    mouth = Peer(world, "mouth").connect()
    for payload, seconds in [("short", 1), ("long", 100)]:
        block = properties("PUBLISH", MessageExpiryInterval=seconds)
        mouth.publish(world.topic("t"), payload, 1, block=block)
    clock(world, 2)
    anna = Peer(world, "anna", clean=False, session_expiry=600).connect()
    found = anna.hears(world.topic("t"), "long")
    left = found.properties.MessageExpiryInterval
    check(90 <= left <= 98, f"what is left after two seconds of 100: {left}")


@scenario(V5)
def a_retained_message_expires(world):
    mouth = Peer(world, "mouth").connect()
    for topic, seconds in [("short", 1), ("long", 100)]:
        block = properties("PUBLISH", MessageExpiryInterval=seconds)
        mouth.publish(world.topic(topic), "x", 1, retain=True, block=block)
    clock(world, 2)
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("+"), 1)
    found = ear.hears(world.topic("long"), "x", retain=True)
    left = found.properties.MessageExpiryInterval
    check(90 <= left <= 98, f"what is left after two seconds of 100: {left}")
    ear.hears_nothing()
