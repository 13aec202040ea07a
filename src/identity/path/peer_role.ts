/** What the judged peer is in the connection: the TLS server or the TLS client. */
export type PeerRole = "server" | "client";
