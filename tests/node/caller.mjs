// A caller on Node, driven by its test: each line on standard input asks for something, each line on standard
// output answers it.
import { createInterface } from "node:readline";
import { Credentials, Dispatcher, routine, WorkerPool } from "@selvage/runtime";
import "@selvage/runtime/dispatcher";
import "@selvage/runtime/routine";
import { inMemory } from "@selvage/runtime/testing";

const { address, pki, refusing } = JSON.parse(process.argv[2]);
const add = routine("math.add");
const range = routine("math.range");

const credentials = () =>
  Credentials.watchFiles({
    ca: `${pki}/ca.pem`,
    cert: `${pki}/caller.pem`,
    key: `${pki}/caller.key`,
  });
const open = (endpoint, identity) =>
  Dispatcher.open({ discovery: `static:${endpoint}`, credentials: credentials(), identity });

const WORKER = "spiffe://example.org/worker";
const dispatcher = await open(address, WORKER);
const events = dispatcher.events()[Symbol.asyncIterator]();

const asked = {
  call: () => dispatcher.call(add, [1, 2]),
  stream: async () => await Array.fromAsync(dispatcher.stream(range, [3])),
  rotated: async () => {
    for (;;) {
      const { value, done } = await events.next();
      if (done) throw new Error("the events ended");
      if (value.type === "credentials.rotated") return value.type;
    }
  },
  renamed: () =>
    failureOf(async () => {
      await using other = await open(address, "spiffe://example.org/another");
      await other.call(add, [1, 2]);
    }),
  refused: () =>
    failureOf(async () => {
      await using other = await open(refusing, WORKER);
      await other.call(add, [1, 2]);
    }),
  pool: () => failureOf(() => WorkerPool.open({ spawn: { count: 1, modules: [] } })),
  admin: () =>
    failureOf(() =>
      Dispatcher.open({ discovery: "static:127.0.0.1:1", admin: `${pki}/a/admin.sock` })
    ),
  memory: async () => {
    await using test = await inMemory({ routines: [routine("math.twice", (n) => 2 * n)] });
    return await test.dispatcher.call(routine("math.twice"), [21]);
  },
};

async function failureOf(attempt) {
  try {
    await attempt();
    return "no failure";
  } catch ({ name, reason, peerReason, message }) {
    return { name, reason, peerReason, message };
  }
}

for await (const what of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ answer: await asked[what]() }));
  } catch (error) {
    console.log(JSON.stringify({ fault: String(error?.stack ?? error) }));
  }
}
await dispatcher[Symbol.asyncDispose]();
