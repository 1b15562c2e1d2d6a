"""Filters."""

from peer import Peer, properties
from scenario import V5, V311, check, equal, scenario

# A filter, topics that it matches, topics that it does not.
WILDCARDS = [
    ("s/t/#", ["s/t", "s/t/a", "s/t/a/b", "s/t/"], ["s", "s/ta", "x/s/t"]),
    ("s/+", ["s/t", "s/"], ["s", "s/t/a"]),
    ("s/+/a", ["s/t/a", "s//a"], ["s/a", "s/t/b"]),
    ("+/t/+", ["s/t/a", "/t/"], ["s/t", "t/a"]),
    ("s//a", ["s//a"], ["s/a", "s/ /a"]),
    ("s/t", ["s/t"], ["S/t", "s/t/", "/s/t"]),
]


@scenario(V311, V5)
def wildcards_match_what_they_should(world):
    mouth = Peer(world, "mouth").connect()
    for number, (pattern, inside, outside) in enumerate(WILDCARDS):
        ear = Peer(world, f"ear{number}").connect()
        ear.subscribe(world.topic(pattern))
        for topic in outside:
            mouth.publish(world.topic(topic), "no")
        for topic in inside:
            mouth.publish(world.topic(topic), "yes")
            ear.hears(world.topic(topic), "yes")
        ear.leave()


@scenario(V311, V5)
def a_wildcard_in_front_does_not_reach_topics_with_a_dollar(world):
    ear = Peer(world, "ear").connect()
    for pattern in ("#", f"+/{world.prefix}"):
        ear.subscribe(pattern)
    mouth = Peer(world, "mouth").connect()
    mouth.publish(f"$own/{world.prefix}", "no", 1)
    mouth.publish(world.topic("end"), "", 1)
    # Others speak as well: `#` hears all of them.
    while (found := ear.message()).topic != world.topic("end"):
        check(not found.topic.startswith("$"), f"heard {found.topic}")


@scenario(V311, V5)
def unsubscribing_ends_it(world):
    ear = Peer(world, "ear").connect()
    mouth = Peer(world, "mouth").connect()
    ear.subscribe(world.topic("t"), 1)
    ear.subscribe(world.topic("u"), 1)
    codes = ear.unsubscribe(world.topic("t"), world.topic("none"))
    if world.version == V5:
        equal(codes, [0, 0x11], "UNSUBACK")
    mouth.publish(world.topic("t"), "no", 1)
    mouth.publish(world.topic("u"), "yes", 1)
    ear.hears(world.topic("u"), "yes")


@scenario(V311, V5)
def each_filter_is_answered_in_its_place(world):
    ear = Peer(world, "ear").connect()
    levels = [2, 0, 1, 2]
    wanted = [(world.topic(str(at)), qos) for at, qos in enumerate(levels)]
    if world.version == V5:
        from paho.mqtt.subscribeoptions import SubscribeOptions
        wanted = [(topic, SubscribeOptions(qos=qos)) for topic, qos in wanted]
    _, mid = ear.paho.subscribe(wanted)
    found, codes = ear.wait("subscribed")
    equal((found, [code.value for code in codes]), (mid, levels), "SUBACK")


@scenario(V311, V5)
def the_same_filter_again_replaces_the_subscription(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 2)
    ear.subscribe(world.topic("t"), 0)
    Peer(world, "mouth").connect().publish(world.topic("t"), "x", 2)
    ear.hears(world.topic("t"), "x", 0)
    ear.hears_nothing()


@scenario(V5)
def no_local_keeps_a_client_from_hearing_itself(world):
    one = Peer(world, "one").connect()
    one.subscribe(world.topic("t"), 1, noLocal=True)
    one.publish(world.topic("t"), "mine", 1)
    Peer(world, "two").connect().publish(world.topic("t"), "yours", 1)
    one.hears(world.topic("t"), "yours")


@scenario(V5)
def overlapping_filters_tell_all_their_numbers(world):
    ear = Peer(world, "ear").connect()
    for number, (pattern, qos) in enumerate([("#", 0), ("a/+", 2), ("a/b", 1), ("c", 1)], 1):
        block = properties("SUBSCRIBE", SubscriptionIdentifier=number * 100)
        ear.subscribe(world.topic(pattern), qos, block=block)
    Peer(world, "mouth").connect().publish(world.topic("a/b"), "x", 2)
    numbers, levels = set(), []
    while numbers != {100, 200, 300}:
        found = ear.hears(world.topic("a/b"), "x")
        numbers |= set(found.properties.SubscriptionIdentifier)
        levels.append(found.qos)
    equal(max(levels), 2, "the highest QoS of those that match")


@scenario(V5)
def a_group_shares_its_messages(world):
    shared = f"$share/g/{world.topic('t')}"
    members = [Peer(world, f"member{n}").connect() for n in range(3)]
    for member in members:
        member.subscribe(shared, 1)
    outside = Peer(world, "outside").connect()
    outside.subscribe(world.topic("t"), 1)
    mouth = Peer(world, "mouth").connect()
    for number in range(30):
        mouth.publish(world.topic("t"), str(number), 1)
    for number in range(30):
        outside.hears(world.topic("t"), str(number))
    heard = []
    for member in members:
        topic = world.topic(f"end/{member.client_id}")
        member.subscribe(topic, 1)
        mouth.publish(topic, "", 1)
        while (found := member.message()).topic != topic:
            heard.append(int(found.payload))
    equal(sorted(heard), list(range(30)), "all of them, each once")


@scenario(V5)
def a_group_is_not_greeted_by_retained_messages(world):
    Peer(world, "mouth").connect().publish(world.topic("t"), "kept", 1, retain=True)
    member = Peer(world, "member").connect()
    member.subscribe(f"$share/g/{world.topic('t')}", 1)
    member.hears_nothing()
