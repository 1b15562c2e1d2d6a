// MQTT.js against the broker: HOST PORT VERSION PREFIX. Says `done` when everything held.
"use strict";
const assert = require("node:assert");
const { once } = require("node:events");
const mqtt = require("mqtt");

const [host, port, version, prefix] = process.argv.slice(2);
const protocolVersion = Number(version);
const DEADLINE_MS = 8000;

setTimeout(() => {
  console.log("nothing happened for too long");
  process.exit(1);
}, DEADLINE_MS).unref();

async function client(name, more = {}) {
  const options = { protocolVersion, clientId: `${prefix}-${name}`, reconnectPeriod: 0, ...more };
  const made = mqtt.connect(`mqtt://${host}:${port}`, options);
  made.inbox = [];
  made.on("message", (topic, payload, packet) => {
    made.inbox.push({ topic, text: payload.toString(), packet });
    made.emit("heard");
  });
  const [connack] = await once(made, "connect");
  made.sessionPresent = connack.sessionPresent;
  return made;
}

async function hears(one, topic, text) {
  while (one.inbox.length === 0) await once(one, "heard");
  const found = one.inbox.shift();
  assert.deepStrictEqual([found.topic, found.text], [`${prefix}/${topic}`, text]);
  return found.packet;
}

async function everyQos() {
  const [ear, mouth] = [await client("ear"), await client("mouth")];
  await ear.subscribeAsync(`${prefix}/t`, { qos: 2 });
  for (const qos of [0, 1, 2]) {
    await mouth.publishAsync(`${prefix}/t`, `with ${qos}`, { qos });
    assert.strictEqual((await hears(ear, "t", `with ${qos}`)).qos, qos);
  }
  await Promise.all([ear.endAsync(), mouth.endAsync()]);
}

async function retained() {
  const mouth = await client("mouth");
  await mouth.publishAsync(`${prefix}/kept`, "yes", { qos: 1, retain: true });
  const ear = await client("ear");
  await ear.subscribeAsync(`${prefix}/+`, { qos: 1 });
  assert.strictEqual((await hears(ear, "kept", "yes")).retain, true);
  await mouth.publishAsync(`${prefix}/kept`, "", { qos: 1, retain: true });
  await Promise.all([ear.endAsync(), mouth.endAsync()]);
}

async function wills() {
  const ear = await client("ear");
  await ear.subscribeAsync(`${prefix}/will`, { qos: 1 });
  const will = { topic: `${prefix}/will`, payload: "gone", qos: 1 };
  const doomed = await client("doomed", { will });
  doomed.on("error", () => {});
  doomed.stream.destroy();
  await hears(ear, "will", "gone");
  await ear.endAsync();
}

async function sessions() {
  const stays = { clean: false };
  if (protocolVersion === 5) stays.properties = { sessionExpiryInterval: 600 };
  const first = await client("anna", stays);
  await first.subscribeAsync(`${prefix}/s`, { qos: 1 });
  await first.endAsync();
  const mouth = await client("mouth");
  await mouth.publishAsync(`${prefix}/s`, "missed", { qos: 1 });
  const back = await client("anna", stays);
  assert.strictEqual(back.sessionPresent, true);
  await hears(back, "s", "missed");
  await Promise.all([back.endAsync(), mouth.endAsync()]);
}

async function properties() {
  if (protocolVersion !== 5) return;
  const [ear, mouth] = [await client("ear"), await client("mouth")];
  await ear.subscribeAsync(`${prefix}/p`, { qos: 1, properties: { subscriptionIdentifier: 300 } });
  const sent = { contentType: "text", userProperties: { b: "1", a: ["2", "3"] }, topicAlias: 3 };
  await mouth.publishAsync(`${prefix}/p`, "x", { qos: 1, properties: sent });
  const { properties: found } = await hears(ear, "p", "x");
  assert.deepStrictEqual({ ...found.userProperties }, { b: "1", a: ["2", "3"] });
  assert.deepStrictEqual([found.contentType, found.subscriptionIdentifier], ["text", 300]);
  await Promise.all([ear.endAsync(), mouth.endAsync()]);
}

(async () => {
  for (const part of [everyQos, retained, wills, sessions, properties]) await part();
  console.log("done");
  process.exit(0);
})().catch((fault) => {
  console.log(fault.stack.split("\n").slice(0, 4).join(" "));
  process.exit(1);
});
