import assert from "node:assert/strict";
import { addressGroup, SocketAdmission, type SocketLimit, type SocketPlace } from "./mod.ts";

const LIMITS = {
  connections: 6,
  connectionsPerAddress: 3,
  connectionsPerIdentity: 2,
  pendingHandshakes: 4,
};

/** An admission whose sockets are numbered, and what they gave way to. */
class Desk {
  readonly evicted: [socket: number, limit: SocketLimit][] = [];
  readonly admission: SocketAdmission;
  #sockets = 0;

  constructor(limits: Partial<typeof LIMITS> = {}) {
    this.admission = new SocketAdmission({ ...LIMITS, ...limits });
  }

  take(address?: string): SocketPlace {
    const socket = ++this.#sockets;
    return this.admission.admit(address, (limit) => this.evicted.push([socket, limit]));
  }

  proven(identity: string): SocketPlace {
    const place = this.take();
    assert.equal(place.prove(identity), true);
    return place;
  }
}

Deno.test("SocketAdmission lets the oldest unproven socket of an address give way", () => {
  const desk = new Desk();
  for (const address of ["a", "b", "a", "a", "a"]) desk.take(address);
  assert.deepEqual(desk.evicted, [[1, "connectionsPerAddress"]]);
});

Deno.test("SocketAdmission lets silent sockets give way before those that speak, while they are half of all", () => {
  const desk = new Desk();
  desk.take("a").speak();
  for (const _silent of ["first", "second", "third", "fourth"]) desk.take("a");
  assert.deepEqual(desk.evicted, [[2, "connectionsPerAddress"], [3, "connectionsPerAddress"]]);
  const speaking = desk.take("a");
  speaking.speak();
  desk.take("a");
  // Two of three speak by then: the newest connection is not the only one to give way.
  assert.deepEqual(desk.evicted.slice(2).map(([socket]) => socket), [4, 1]);
});

Deno.test("SocketAdmission lets the oldest handshake give way to one too many", () => {
  const desk = new Desk();
  for (let socket = 1; socket <= 6; socket++) desk.take();
  assert.deepEqual(desk.evicted, [[1, "pendingHandshakes"], [2, "pendingHandshakes"]]);
});

Deno.test("SocketAdmission has no more handshakes than it may where others of an address give way", () => {
  const desk = new Desk({ connections: 8 });
  for (const _accepted of [1, 2, 3]) desk.take("a").accept();
  for (const address of ["b", "b", "c", "c"]) desk.take(address);
  desk.take("a");
  assert.deepEqual(desk.evicted, [[1, "connectionsPerAddress"], [4, "pendingHandshakes"]]);
});

Deno.test("SocketAdmission lets an unproven socket give way before any proven one", () => {
  const desk = new Desk();
  desk.proven("x");
  desk.take().accept();
  desk.proven("x");
  for (const identity of ["y", "y", "z"]) desk.proven(identity);
  assert.deepEqual(desk.evicted, []);
  desk.take();
  assert.deepEqual(desk.evicted, [[2, "connections"]]);
});

Deno.test("SocketAdmission takes no socket where every one is proven", () => {
  const desk = new Desk();
  const proven = ["x", "x", "y", "y", "z", "z"].map((identity) => desk.proven(identity));
  const turnedDown = desk.take();
  assert.deepEqual(desk.evicted, [[7, "connections"]]);
  assert.equal(turnedDown.prove("w"), false);
  turnedDown.close();
  proven[0]!.close();
  desk.proven("w");
  assert.equal(desk.evicted.length, 1);
});

Deno.test("SocketAdmission limits the sockets of an identity, not those of its address", () => {
  const desk = new Desk();
  for (const identity of ["x", "x", "y"]) assert.equal(desk.take("nat").prove(identity), true);
  const third = desk.take("nat");
  assert.equal(third.prove("x"), false);
  third.close();
  assert.deepEqual(desk.evicted, []);
});

Deno.test("SocketAdmission counts a socket until it is closed, once", () => {
  const desk = new Desk();
  const refused = desk.take("a");
  const proven = desk.proven("x");
  assert.deepEqual([desk.admission.open, desk.admission.unproven], [2, 1]);
  for (const place of [refused, refused, proven, proven]) place.close();
  assert.deepEqual([desk.admission.open, desk.admission.unproven], [0, 0]);
  desk.proven("x").close();
  for (const socket of [1, 2]) assert.equal(desk.take().prove("x"), true, `${socket}`);
});

Deno.test("addressGroup() takes an IPv6 /64 for one address", () => {
  assert.equal(addressGroup("10.0.0.7:4711"), "10.0.0.7");
  assert.equal(addressGroup("[2001:db8:1:2:3:4:5:6]:1"), "2001:db8:1:2::/64");
  assert.equal(addressGroup("[2001:db8:1:2::9]:2"), "2001:db8:1:2::/64");
  assert.equal(addressGroup("[2001:db8::9]:2"), "2001:db8:0:0::/64");
  assert.equal(addressGroup("[fe80::1%eth0]:2"), "fe80:0:0:0::/64");
  assert.equal(addressGroup("[::1]:2"), "0:0:0:0::/64");
  assert.equal(addressGroup("[::ffff:10.0.0.7]:2"), "10.0.0.7");
  assert.equal(addressGroup("unix:/run/worker"), "unix:/run/worker");
});
