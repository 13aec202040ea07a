import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { type Interfaces, LocalLinks, networksOf } from "./networks.ts";

function info(cidr: string, internal = false): NetworkInterfaceInfo {
  const [address = ""] = cidr.split("/");
  const common = { address, cidr, internal, netmask: "", mac: "" };
  return address.includes(":")
    ? { ...common, family: "IPv6", scopeid: 0 }
    : { ...common, family: "IPv4" };
}

const MACHINE: Interfaces = {
  lo: [info("127.0.0.1/8", true), info("::1/128", true)],
  eth0: [info("10.1.0.7/16"), info("fe80::7/64"), info("fd00:1::7/64"), info("fd00:2::7/64")],
  eth1: [info("192.168.3.7/24"), info("fe80::8/64")],
  wlan0: [info("fd00:3::7/64")],
};

Deno.test("networksOf() uses all that are not loopback, and IPv6 where an address can be announced", () => {
  const networks = networksOf(MACHINE, undefined);
  assert.deepEqual(networks.map(({ address, scope }) => [address, scope]), [
    ["10.1.0.7", "10.1.0.7"],
    ["192.168.3.7", "192.168.3.7"],
    ["fd00:1::7", "::%eth0"],
    ["fd00:3::7", "::%wlan0"],
  ]);
  assert.deepEqual(networks.map(({ ipv4 }) => ipv4), [
    "10.1.0.7",
    "192.168.3.7",
    "10.1.0.7",
    undefined,
  ]);
  const many = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [`eth${at}`, [info(`10.${at}.0.1/16`)]]),
  );
  assert.equal(networksOf(many, undefined).length, 8);
});

Deno.test("networksOf() uses those that are chosen by an address", () => {
  const chosen = networksOf(MACHINE, ["fd00:2::7", "127.0.0.1"]);
  assert.deepEqual(chosen.map(({ address, scope, group }) => [address, scope, group]), [
    ["127.0.0.1", "127.0.0.1", "224.0.0.251"],
    ["fd00:2::7", "::%eth0", "ff02::fb"],
  ]);
});

Deno.test("LocalLinks has who is on the links of the networks in use, and nobody else", () => {
  const links = new LocalLinks(MACHINE, networksOf(MACHINE, ["10.1.0.7", "fd00:3::7"]));
  const there = ["10.1.255.1", "fd00:1::99", "fd00:2::99", "fd00:3::1", "fe80::9%eth0", "fe80::9"];
  for (const near of there) assert.ok(links.has(near), near);
  const elsewhere = ["10.2.0.1", "192.168.3.1", "127.0.0.1", "8.8.8.8", "fd00:4::1", "::1", ""];
  for (const far of elsewhere) assert.equal(links.has(far), false, far);
});
