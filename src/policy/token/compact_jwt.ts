import { unauthenticated } from "./authenticator.ts";
import { fromBase64Url } from "../../platform/mod.ts";

/** A signature algorithm of JWS (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864) with a public key to verify by. */
export type JwtAlgorithm =
  | "ES256"
  | "ES384"
  | "ES512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "EdDSA"
  | "Ed25519";

/** Every {@linkcode JwtAlgorithm}: none of them is symmetric, and `none` is not among them (RFC 8725 §3.1, §3.2). */
export const JWT_ALGORITHMS: readonly JwtAlgorithm[] = [
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
  "EdDSA",
  "Ed25519",
];

/** The largest token that is looked at, in characters: it also fits into a header list of 16 KiB. */
export const MAX_TOKEN_LENGTH = 15 * 1024;

/** What the header of a signed token names, before anything is verified. */
export interface JwtHeader {
  /** The algorithm. */
  readonly alg: string;
  /** The key's id. */
  readonly kid: string | undefined;
  /** The type. */
  readonly typ: string | undefined;
}

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/;

/**
 * Reads the header of a token in JWS compact form (RFC 7515 §7.1) without verifying anything.
 *
 * Members that bring or locate a key (`jku`, `jwk`, `x5u`, `x5c`), which some issuers write into every token, are not
 * read: who signs a token must not choose the key that it is verified by (RFC 8725 §3.10).
 *
 * @throws {AuthenticationError} `token-malformed` where it is not such a token, or needs an extension to be understood.
 */
export function readJwtHeader(token: string): JwtHeader {
  if (token.length > MAX_TOKEN_LENGTH) {
    throw malformed(`the token has ${token.length} characters, the limit is ${MAX_TOKEN_LENGTH}`);
  }
  if (!COMPACT.test(token)) throw malformed("the token is not a JWT in compact form");
  const header = jsonPart(token.slice(0, token.indexOf(".")));
  const { alg, kid, typ } = header;
  if (typeof alg !== "string") throw malformed("the token's header names no algorithm");
  if (Object.hasOwn(header, "crit")) {
    throw malformed('the token\'s header holds "crit"; no extension is understood here');
  }
  return { alg, kid: optionalText(kid, "kid"), typ: optionalText(typ, "typ") };
}

/**
 * Reads the claims of a token without verifying anything: to learn whose keys to verify it by, and of a token
 * of our own when it ends.
 *
 * @throws {AuthenticationError} `token-malformed` where there are none.
 */
export function readUnverifiedClaims(token: string): Readonly<Record<string, unknown>> {
  if (token.length > MAX_TOKEN_LENGTH || !COMPACT.test(token)) {
    throw malformed("the token is not a JWT in compact form");
  }
  return jsonPart(token.split(".", 2)[1] ?? "");
}

function jsonPart(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64Url(part)));
  } catch {
    throw malformed("a part of the token is not base64url of JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw malformed("a part of the token is not a JSON object");
}

function optionalText(value: unknown, member: string): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw malformed(`the token's "${member}" is not text`);
}

function malformed(message: string) {
  return unauthenticated("token-malformed", message);
}
