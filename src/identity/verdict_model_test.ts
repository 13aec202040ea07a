/**
 * What must hold of every certificate of a path that was trusted, whatever mixture of usages, names, constraints and
 * trust domains it was: written from the rules, without the code that applies them.
 */
import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { OID } from "../../tests/support/forge.ts";
import {
  anchorsOf,
  certificatesOf,
  NAMES,
  type Situation,
  situation,
} from "../../tests/support/situations.ts";
import { matchesPeer } from "./name_match.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import type { PeerRole } from "./path/peer_role.ts";
import { judgePeer } from "./verdict.ts";

function judge(situation: Situation) {
  const { anchor, chain } = certificatesOf(situation);
  const { role, expected } = situation;
  return judgePeer(chain.map(({ der }) => der), {
    role,
    anchors: anchorsOf(situation, anchor),
    expected: [parsePattern(expected, { clients: role === "client" })],
    now: Date.now(),
  });
}

function allows(purposes: readonly string[], role: PeerRole): boolean {
  return purposes.length === 0 || purposes.includes("2.5.29.37.0") ||
    purposes.includes(role === "server" ? OID.serverAuth : OID.clientAuth);
}

/** Whether all that a DNS name stands for lies in a domain, or any of it. */
function isIn(text: string, base: string, list: "permitted" | "excluded"): boolean {
  const host = text.toLowerCase();
  const within = (one: string) => one === base || one.endsWith(`.${base}`);
  if (!host.startsWith("*.")) return within(host);
  if (within(host.slice(2))) return true;
  return list === "excluded" && base.endsWith(host.slice(1)) &&
    !base.slice(0, -host.length + 1).includes(".");
}

function assertAuthorities(situation: Situation): void {
  const { leaf, anchor, between, role } = situation;
  const authorities = between === undefined ? [anchor] : [between, anchor];
  for (const { isAuthority, usage, purposes, constraint } of authorities) {
    assert(isAuthority);
    assert(usage === undefined || (usage & 0x04) !== 0);
    assert(allows(purposes, role));
    if (constraint === undefined) continue;
    const hosts = leaf.names.filter(({ kind }) => kind === "dns").map(({ text }) => text);
    assert(!hosts.includes("a..b"));
    const { list, base } = constraint;
    for (const host of hosts) assert.equal(isIn(host, base, list), list === "permitted", host);
  }
}

function assertDomain(situation: Situation, domain: string): void {
  const { anchor, between, label, local } = situation;
  if (between !== undefined) {
    assert(between.ids.every((id) => id === `spiffe://${domain}`), between.ids.join());
  }
  if (label !== undefined) {
    assert.equal(label, domain);
    return;
  }
  assert(anchor.ids.every((id) => id === `spiffe://${domain}`), anchor.ids.join());
  if (anchor.ids.length === 0 && local !== undefined) assert.equal(local, domain);
}

Deno.test("whatever is trusted keeps every rule of safety, in each of its certificates", () => {
  let trusted = 0;
  fc.assert(
    fc.property(situation, (situation) => {
      const verdict = judge(situation);
      if (!verdict.trusted) return;
      trusted++;
      const { leaf, role, expected } = situation;
      assert(leaf.usage === undefined || (leaf.usage & 0x86) === 0x80);
      assert(allows(leaf.purposes, role));
      assertAuthorities(situation);
      const uris = leaf.names.filter(({ kind }) => kind === "uri").map(({ text }) => text);
      const { identity } = verdict;
      if (identity.spiffeId === undefined) {
        assert(!expected.startsWith("spiffe:"));
        for (const text of NAMES.uri.slice(0, 3)) {
          assert(!matchesPeer(parsePattern(text), identity), text);
        }
      } else {
        assert.deepEqual(uris, [identity.spiffeId.text]);
        assert.match(identity.spiffeId.text, /^spiffe:\/\/(example|partner)\.org\/worker$/);
        assertDomain(situation, identity.spiffeId.trustDomain);
      }
      const hosts = identity.names.filter((one) => one.startsWith("dns:"));
      if (situation.label !== undefined) assert.deepEqual(hosts, []);
    }),
    { numRuns: 400 },
  );
  assert(trusted > 10, `${trusted} were trusted`);
});
