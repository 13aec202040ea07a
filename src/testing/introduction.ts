import { createAuthority, Credentials } from "../credentials/mod.ts";
import { unusable } from "../errors/mod.ts";
import { judgePeer, parsePatterns, type PeerIdentity } from "../identity/mod.ts";

/**
 * The identity that a peer of that name has proven, made in the way it always is: with a certificate
 * that is judged.
 *
 * @param name A SPIFFE ID or a host name.
 * @throws {ConfigurationError} If it is neither.
 */
export async function introducedAs(name: string): Promise<PeerIdentity> {
  const host = name.startsWith("dns:") ? name.slice("dns:".length) : name;
  const issued = createAuthority().issue({
    name: "client",
    ...(name.startsWith("spiffe://") ? { spiffe: name } : { dns: [host] }),
  });
  const { certPem: cert, keyPem: key, caPem: ca } = issued;
  await using source = await Credentials.fromPem({ ca, cert, key }).open();
  const { own, anchors } = source.current();
  const verdict = judgePeer(own!.chain, {
    role: "client",
    anchors: anchors!,
    expected: parsePatterns(name),
    now: Date.now(),
  });
  if (verdict.trusted) return verdict.identity;
  throw unusable("as", `no certificate can prove the identity ${JSON.stringify(name)}`);
}
