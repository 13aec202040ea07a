import { connect as connectTcp, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import {
  connect,
  type ConnectionOptions,
  createServer as createTlsServer,
  type TlsOptions,
  type TLSSocket,
} from "node:tls";

/** What the platform makes of one handshake, seen from both ends. */
export interface Handshake {
  /** The client's socket. */
  readonly client: TLSSocket;
  /** The code the client failed with; `undefined` where its handshake succeeded. */
  readonly clientCode: string | undefined;
  /** The text of that error. */
  readonly clientMessage: string | undefined;
  /** The server's socket, once its handshake was done. */
  readonly server: TLSSocket | undefined;
  /** The code the server failed with. */
  readonly serverCode: string | undefined;
}

/** Lets the platform's client and server shake hands over a real socket and waits until both are done. */
export async function shakeHands<Result>(
  serverOptions: TlsOptions,
  clientOptions: ConnectionOptions,
  look: (handshake: Handshake) => Result | Promise<Result>,
): Promise<Result> {
  const server = createTlsServer({
    requestCert: true,
    rejectUnauthorized: false,
    ...serverOptions,
  });
  const atServer = Promise.withResolvers<Pick<Handshake, "server" | "serverCode">>();
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    atServer.resolve({ server: socket, serverCode: undefined });
  });
  server.on("tlsClientError", (error) => {
    atServer.resolve({ server: undefined, serverCode: codeOf(error) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const client = connect({
    host: "127.0.0.1",
    port,
    checkServerIdentity: () => undefined,
    ...clientOptions,
  });
  const failure = await new Promise<Error | undefined>((resolve) => {
    client.on("error", resolve);
    client.on("secureConnect", () => resolve(undefined));
  });
  try {
    return await look({
      client,
      clientCode: failure === undefined ? undefined : codeOf(failure),
      clientMessage: failure?.message,
      ...await atServer.promise,
    });
  } finally {
    client.destroy();
    (await atServer.promise).server?.destroy();
    server.close();
  }
}

/** The code of an error of the platform. */
export function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : error.name;
}

/** A duplex stream over a socket that does nothing of its own. */
export function duplexOver(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (bytes, _encoding, written) => void socket.write(bytes, written),
    final: (done) => void socket.end(done),
  });
  socket.on("data", (bytes: Uint8Array) => {
    if (!duplex.push(bytes)) socket.pause();
  });
  socket.on("end", () => duplex.push(null));
  socket.on("error", () => duplex.destroy());
  return duplex;
}

/** Two connected TCP sockets. */
export async function tcpPair(): Promise<{ near: Socket; far: Socket } & Disposable> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const near = connectTcp(
    typeof bound === "object" && bound !== null ? bound.port : 0,
    "127.0.0.1",
  );
  const far = await accepted.promise;
  for (const socket of [near, far]) socket.on("error", () => {});
  return {
    near,
    far,
    [Symbol.dispose](): void {
      near.destroy();
      far.destroy();
      server.close();
    },
  };
}
