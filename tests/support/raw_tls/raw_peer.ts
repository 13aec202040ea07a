import { alertInClear } from "../../../src/channel/tls/tls_alert.ts";
import {
  type CertificateEntry,
  certificateMessage,
  certificateVerifyMessage,
  readCertificates,
  type Side,
} from "./authentication.ts";
import {
  applicationSecrets,
  type HandshakeSecrets,
  handshakeSecrets,
  nextTrafficSecret,
  type Secrets,
  sha256,
  verifyData,
} from "./key_schedule.ts";
import { MESSAGE, type Message, message, MessageAssembly } from "./message.ts";
import { joined, type Octets } from "./octets.ts";
import type { ConnectionEnd, RecordLayer } from "./record_layer.ts";
import { CONTENT, recordHeader, RecordProtection } from "./record_protection.ts";

/** Everything that the other end sent. */
export interface Heard {
  /** Application data, decrypted. */
  readonly application: Octets;
  /** Alerts, by their names in RFC 8446 §6. */
  readonly alerts: readonly string[];
  /** The certificates it showed; `undefined` where it sent no Certificate message. */
  readonly certificates: readonly Octets[] | undefined;
  /** Whether its Finished arrived, and was right. */
  readonly finished: boolean;
  /** How it left. */
  readonly end: ConnectionEnd;
}

/**
 * One end of a TLS 1.3 connection from the key exchange on. It verifies nothing, and says what it is asked to
 * say in that order: whatever is written waits for {@linkcode send}.
 */
export class RawPeer implements Disposable {
  readonly #side: Side;
  readonly #records: RecordLayer;
  readonly #secrets: HandshakeSecrets;
  readonly #assembly = new MessageAssembly();
  #transcript: Octets;
  #applicationSecrets: Secrets | undefined;
  /** What protects what we send, once its key has changed. */
  #trafficSecret: Octets | undefined;
  #application: Octets[] = [];
  #alerts: string[] = [];
  #certificates: readonly Octets[] | undefined;
  #finished = false;

  /** Begins behind the hellos. */
  static async after(
    hellos: Octets,
    shared: Octets,
    side: Side,
    records: RecordLayer,
  ): Promise<RawPeer> {
    const secrets = await handshakeSecrets(shared, await sha256(hellos));
    records.writeUnder(await RecordProtection.under(secrets[side]));
    records.readUnder(await RecordProtection.under(secrets[otherThan(side)]));
    return new RawPeer(side, records, secrets, hellos);
  }

  private constructor(
    side: Side,
    records: RecordLayer,
    secrets: HandshakeSecrets,
    transcript: Octets,
  ) {
    this.#side = side;
    this.#records = records;
    this.#secrets = secrets;
    this.#transcript = transcript;
  }

  /** Writes a handshake message, or a piece of one. */
  async handshake(octets: Octets): Promise<void> {
    this.#transcript = joined(this.#transcript, octets);
    await this.#records.write(CONTENT.handshake, octets);
  }

  /** Shows certificates: DER, or any other octets. */
  async certificate(list: readonly (Uint8Array | CertificateEntry)[]): Promise<void> {
    const entries = list.map((one) => one instanceof Uint8Array ? { certificate: one } : one);
    await this.handshake(certificateMessage(entries));
  }

  /** Signs the transcript, as the side that this end is unless another is given, and under that scheme's number. */
  async certificateVerify(key: CryptoKey, as: Side = this.#side, scheme?: number): Promise<void> {
    const transcript = await this.#transcriptHash();
    await this.handshake(await certificateVerifyMessage(key, as, transcript, scheme));
  }

  /** Ends our part of the handshake: what follows is application data. */
  async finished(): Promise<void> {
    const proof = await verifyData(this.#secrets[this.#side], await this.#transcriptHash());
    await this.handshake(message(MESSAGE.finished, proof));
    const secrets = await this.#forApplication();
    this.#records.writeUnder(await RecordProtection.under(secrets[this.#side]));
  }

  /** Changes the key of what we send, as TLS does (RFC 8446 §7.2), and asks the other end to do so where `requested`. */
  async updateKey(requested: boolean): Promise<void> {
    await this.#records.write(
      CONTENT.handshake,
      message(MESSAGE.keyUpdate, Uint8Array.of(requested ? 1 : 0)),
    );
    const before = this.#trafficSecret ?? (await this.#forApplication())[this.#side];
    this.#trafficSecret = await nextTrafficSecret(before);
    this.#records.writeUnder(await RecordProtection.under(this.#trafficSecret));
  }

  /** Shows certificates, proves the first with `key`, and is finished. */
  async authenticate(
    list: readonly (Uint8Array | CertificateEntry)[],
    key: CryptoKey,
  ): Promise<void> {
    await this.certificate(list);
    await this.certificateVerify(key);
    await this.finished();
  }

  /** Writes application data, under the keys of the handshake where we are not finished. */
  async application(octets: Uint8Array): Promise<void> {
    await this.#records.write(CONTENT.applicationData, octets);
  }

  /** Writes an alert: its level and its description (RFC 8446 §6). */
  async alert(level: number, description: number): Promise<void> {
    await this.#records.write(CONTENT.alert, Uint8Array.of(level, description));
  }

  /** Says that nothing more will be sent (RFC 8446 §6.1). */
  async closeNotify(): Promise<void> {
    await this.alert(1, 0);
  }

  /** Writes octets as they are, whether they are a record or not. */
  asTheyAre(octets: Uint8Array): void {
    this.#records.writeAsTheyAre(octets);
  }

  /** Sends off what was written, in one piece; false where the other end has gone. */
  async send(): Promise<boolean> {
    return await this.#records.send();
  }

  /** Reads until the other end is finished. */
  async untilFinished(): Promise<void> {
    while (!this.#finished) {
      if (await this.#readRecord()) continue;
      const alerts = this.#alerts.join(", ") || "no alert";
      throw new TypeError(`the other end left before it was finished: ${alerts}`);
    }
  }

  /** Reads until this much application data has arrived. */
  async untilApplication(bytes: number): Promise<Octets> {
    while (joined(...this.#application).length < bytes) {
      if (!await this.#readRecord()) {
        throw new TypeError("the other end left before it said so much");
      }
    }
    return joined(...this.#application);
  }

  /** Reads until the other end has left or says that it does, hangs up too, and reports all it ever said. */
  async heard(): Promise<Heard> {
    // Nothing that follows a close_notify counts (RFC 8446 §6.1).
    while (!this.#alerts.includes("close_notify") && await this.#readRecord());
    this[Symbol.dispose]();
    return {
      application: joined(...this.#application),
      alerts: this.#alerts,
      certificates: this.#certificates,
      finished: this.#finished,
      end: this.#records.end,
    };
  }

  /** Hangs up. */
  [Symbol.dispose](): void {
    this.#records.close();
  }

  async #readRecord(): Promise<boolean> {
    const record = await this.#records.read();
    if (record === undefined) return false;
    const { type, content } = record;
    if (type === CONTENT.applicationData) this.#application.push(content);
    else if (type === CONTENT.alert) this.#alerts.push(alertName(content));
    else if (type === CONTENT.handshake) {
      for (const one of this.#assembly.add(content)) await this.#take(one);
    } else throw new TypeError(`a record of type ${type}`);
    return true;
  }

  async #take({ type, body, octets }: Message): Promise<void> {
    // What follows a Finished, tickets for instance, belongs to no handshake (RFC 8446 §4.6).
    if (this.#finished) return;
    if (type === MESSAGE.finished) await this.#checkFinished(body);
    if (type === MESSAGE.certificate) this.#certificates = readCertificates(body);
    this.#transcript = joined(this.#transcript, octets);
    if (type !== MESSAGE.finished) return;
    this.#finished = true;
    const secrets = await this.#forApplication();
    this.#records.readUnder(await RecordProtection.under(secrets[otherThan(this.#side)]));
  }

  async #checkFinished(body: Octets): Promise<void> {
    const secret = this.#secrets[otherThan(this.#side)];
    const expected = await verifyData(secret, await this.#transcriptHash());
    if (body.toHex() !== expected.toHex()) throw new TypeError("the other end's Finished is wrong");
  }

  /** Made from the transcript that ends with the server's Finished, at the moment when it does. */
  async #forApplication(): Promise<Secrets> {
    this.#applicationSecrets ??= await applicationSecrets(
      this.#secrets.master,
      await this.#transcriptHash(),
    );
    return this.#applicationSecrets;
  }

  #transcriptHash(): Promise<Octets> {
    return sha256(this.#transcript);
  }
}

function otherThan(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function alertName(content: Octets): string {
  return alertInClear(joined(recordHeader(CONTENT.alert, 2), content)) ?? "alert";
}
