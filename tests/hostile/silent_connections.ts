import { connect, type Socket } from "node:net";
import type { Attack } from "./attack.ts";

/** More than one address may have that have proven nothing, with as many descriptors as the tests have. */
const CONNECTIONS = 600;

/** How long they stay once the first was closed, in milliseconds. */
const STAY_MS = 250;

/** Connections that send nothing: the oldest are closed, other clients are served. */
export const silentConnections: Attack = {
  name: "600 connections that send nothing",
  answer: "closed",
  // Others of the same address that have proven nothing give way, too: it is made alone.
  slow: true,
  attack: async ({ port }) => {
    const sockets: Socket[] = [];
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    for (let count = 0; count < CONNECTIONS; count++) {
      const socket = connect({ host: "127.0.0.1", port }).on("error", () => {});
      if (count === 0) socket.resume().once("close", () => resolve());
      sockets.push(socket);
    }
    await closed;
    await new Promise((resolve) => setTimeout(resolve, STAY_MS));
    for (const socket of sockets) socket.destroy();
    return "closed";
  },
};
