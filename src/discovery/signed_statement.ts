import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { Buffer } from "node:buffer";
import type { PublicKey } from "../identity/mod.ts";
import type { Announcement } from "./announcement.ts";

/** An announcement is believed for so long after it was signed, in milliseconds. */
export const STATEMENT_LIFE_MS = 5 * 60_000;

/** What a worker states about itself. */
export interface Statement extends Omit<Announcement, "signed"> {
  /** When it was signed, in milliseconds since the epoch. */
  readonly at: number;
  /** Rises with every statement of one worker. */
  readonly sequence: number;
}

/** What a worker signs with: the certificate that it also proves its identity by. */
export interface StatementSigner {
  /** Its chain in DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** Its private key in PEM. */
  readonly keyPem: string;
}

/** A statement as it was read; nothing of it is verified. */
export interface ReadStatement {
  readonly statement: Statement;
  /** The chain in DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Separates these signatures from any other use of the same key, in TLS for instance (RFC 8446 §4.4.3). */
const DOMAIN = "selvage signed announcement v1\0";

const FORM = /^sa1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+(?:~[A-Za-z0-9_-]+)*)$/;

/** As long as backends carry it, in characters. */
const MAX_LENGTH = 48 * 1024;

/** As long as the id of an announcement may be, in characters. */
const MAX_ID_LENGTH = 256;

/** Signs a statement: `sa1.STATEMENT.SIGNATURE.CHAIN`. */
export function signStatement(statement: Statement, { chain, keyPem }: StatementSigner): string {
  const { id, address, tls, tags, at, sequence } = statement;
  const body = base64Url(
    new TextEncoder().encode(JSON.stringify({ id, address, tls, tags, at, sequence })),
  );
  const key = createPrivateKey(keyPem);
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  const kind = asymmetricKeyDetails?.namedCurve === "secp521r1" ? "p-521" : asymmetricKeyType;
  const signature = sign(digestOf(kind), octetsOf(body), key);
  return ["sa1", body, base64Url(signature), chain.map(base64Url).join("~")].join(".");
}

/**
 * Reads a statement.
 *
 * @throws {Error} In one sentence, what is wrong with its form.
 */
export function readStatement(text: string): ReadStatement {
  const [, body, signature, chain] = text.length > MAX_LENGTH ? [] : FORM.exec(text) ?? [];
  if (body === undefined || signature === undefined || chain === undefined) {
    throw new Error("its signed statement cannot be read");
  }
  return {
    statement: statementOf(new TextDecoder().decode(bytesOf(body))),
    chain: chain.split("~").map(bytesOf),
    signed: octetsOf(body),
    signature: bytesOf(signature),
  };
}

/** Whether the key of a certificate signed a statement. */
export function isSignedBy(
  { signed, signature }: ReadStatement,
  { spki, kind }: PublicKey,
): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  return verify(digestOf(kind), signed, key, signature);
}

/** What a kind of key signs: of P-521 the platform fails signatures over SHA-256. */
function digestOf(kind: string | undefined): string | null {
  if (kind === "ed25519") return null;
  return kind === "p-521" ? "sha512" : "sha256";
}

function statementOf(text: string): Statement {
  const { id, address, tls, tags, at, sequence } = membersOf(text);
  if (
    typeof id === "string" && id.length <= MAX_ID_LENGTH && typeof address === "string" &&
    typeof tls === "boolean" &&
    Array.isArray(tags) && tags.every((tag) => typeof tag === "string") &&
    Number.isSafeInteger(at) && Number.isSafeInteger(sequence)
  ) return { id, address, tls, tags, at: at as number, sequence: sequence as number };
  throw new Error("its signed statement lacks a member");
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new Error("its signed statement is not JSON");
  }
}

function octetsOf(body: string): Uint8Array {
  return new TextEncoder().encode(DOMAIN + body);
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64url"));
}
