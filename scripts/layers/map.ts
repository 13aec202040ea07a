/** What a folder of `src/` may import. */
export interface Layer {
  /** The other folders it may import. */
  readonly imports: readonly string[];
  /** The packages of `deno.json` it may import. Default: none. */
  readonly packages?: readonly string[];
  /** The `node:` modules it may import. Default: none. */
  readonly node?: "any" | readonly string[];
}

/** Who may import whom. */
export interface LayerMap {
  /** By folder within `src/`; a folder that is not listed belongs to the one that it is in. */
  readonly layers: Readonly<Record<string, Layer>>;
  /** Files outside `src/` that are part of the package, and the layers they may import. */
  readonly entries: Readonly<Record<string, readonly string[]>>;
  /** Files that run without being imported: the entry points of the package, and of its threads. */
  readonly starts: readonly string[];
  /** Files that import modules by names computed at run time: a user's routines. */
  readonly computed: readonly string[];
}

const CONNECT = [
  "@bufbuild/protobuf",
  "@bufbuild/protobuf/wkt",
  "@connectrpc/connect",
  "@connectrpc/connect/protocol",
  "@connectrpc/connect/protocol-connect",
  "@connectrpc/connect/protocol-grpc",
  "@connectrpc/connect/protocol-grpc-web",
];

/** The layers of the package, from the one that imports nothing down. */
export const LAYER_MAP: LayerMap = {
  layers: {
    contract: { imports: [] },
    errors: { imports: [] },
    values: { imports: [] },
    platform: {
      imports: [],
      node: [
        ...["node:async_hooks", "node:fs", "node:path", "node:v8", "node:vm"],
        "node:worker_threads",
      ],
    },
    http2: { imports: ["platform", "values"], node: ["node:process", "node:timers"] },
    observe: {
      imports: ["errors", "platform", "values"],
      packages: ["@logtape/logtape", "@opentelemetry/api"],
    },

    "identity/der": { imports: [], node: ["node:buffer"] },
    "identity/names": { imports: ["errors"], packages: ["tldts"] },
    "identity/certificate": {
      imports: ["errors", "identity/der", "identity/names"],
      node: ["node:crypto"],
    },
    "identity/path": {
      imports: ["errors", "identity/certificate", "identity/der", "identity/names"],
      node: ["node:crypto"],
    },
    identity: {
      imports: [
        "errors",
        "identity/certificate",
        "identity/der",
        "identity/names",
        "identity/path",
        "values",
      ],
      node: ["node:crypto"],
    },

    credentials: { imports: ["errors", "identity", "observe", "platform", "values"], node: "any" },
    channel: {
      imports: ["errors", "http2", "identity", "observe", "platform", "values"],
      node: "any",
    },
    peer: {
      imports: [
        "channel",
        "credentials",
        "errors",
        "http2",
        "identity",
        "observe",
        "platform",
        "values",
      ],
      node: "any",
    },
    admin: {
      imports: [
        "channel",
        "credentials",
        "errors",
        "identity",
        "observe",
        "peer",
        "platform",
        "values",
      ],
      node: ["node:path"],
    },
    gen: { imports: [], packages: [...CONNECT, "@bufbuild/protobuf/codegenv2"] },
    "gen/etcd": { imports: [], packages: [...CONNECT, "@bufbuild/protobuf/codegenv2"] },
    "gen/spiffe": { imports: [], packages: [...CONNECT, "@bufbuild/protobuf/codegenv2"] },

    "rpc/wire": {
      imports: ["http2", "platform", "values"],
      packages: [...CONNECT, "@bufbuild/protobuf/wire"],
      node: ["node:stream", "node:zlib"],
    },
    "rpc/server": {
      imports: ["errors", "http2", "platform", "rpc/wire", "values"],
      packages: CONNECT,
    },
    "rpc/client": { imports: ["http2", "platform", "rpc/wire", "values"], packages: CONNECT },
    rpc: { imports: ["rpc/client", "rpc/server", "rpc/wire"] },

    spiffe: {
      imports: [
        "channel",
        "credentials",
        "errors",
        "gen/spiffe",
        "http2",
        "identity",
        "observe",
        "platform",
        "rpc",
        "values",
      ],
      packages: CONNECT,
      node: "any",
    },
    routine: {
      imports: ["contract", "errors", "gen", "observe", "platform", "rpc", "values"],
      packages: CONNECT,
      node: "any",
    },
    limits: { imports: ["errors", "http2", "identity", "routine"] },
    policy: {
      imports: [
        "channel",
        "contract",
        "credentials",
        "errors",
        "identity",
        "observe",
        "platform",
        "routine",
        "spiffe",
        "values",
      ],
      packages: ["jose", "jsonc-parser"],
      node: "any",
    },
    discovery: {
      imports: [
        "channel",
        "credentials",
        "errors",
        "gen/etcd",
        "http2",
        "identity",
        "observe",
        "peer",
        "platform",
        "rpc",
        "values",
      ],
      packages: [...CONNECT, "dns-packet"],
      node: "any",
    },
    dispatch: {
      imports: [
        "admin",
        "channel",
        "contract",
        "credentials",
        "discovery",
        "errors",
        "gen",
        "http2",
        "identity",
        "limits",
        "observe",
        "peer",
        "platform",
        "policy",
        "routine",
        "rpc",
        "values",
      ],
      packages: CONNECT,
      node: ["node:fs/promises", "node:path", "node:process"],
    },
    worker: {
      imports: [
        "admin",
        "channel",
        "contract",
        "credentials",
        "discovery",
        "dispatch",
        "errors",
        "gen",
        "http2",
        "identity",
        "limits",
        "observe",
        "peer",
        "platform",
        "policy",
        "routine",
        "rpc",
        "values",
      ],
      packages: CONNECT,
      node: "any",
    },
    pool: {
      imports: [
        "channel",
        "contract",
        "credentials",
        "discovery",
        "dispatch",
        "errors",
        "http2",
        "identity",
        "limits",
        "observe",
        "platform",
        "policy",
        "values",
        "worker",
      ],
      packages: CONNECT,
      node: "any",
    },
    testing: {
      imports: [
        "contract",
        "credentials",
        "discovery",
        "dispatch",
        "errors",
        "http2",
        "identity",
        "observe",
        "peer",
        "policy",
        "routine",
        "values",
        "worker",
      ],
    },
    cli: {
      imports: [
        "channel",
        "contract",
        "credentials",
        "discovery",
        "dispatch",
        "errors",
        "gen",
        "identity",
        "observe",
        "peer",
        "policy",
        "pool",
        "routine",
        "spiffe",
        "values",
        "worker",
      ],
      packages: [...CONNECT, "@logtape/logtape", "commander"],
      node: "any",
    },
  },
  entries: {
    "mod.ts": [
      "channel",
      "contract",
      "credentials",
      "discovery",
      "dispatch",
      "errors",
      "http2",
      "identity",
      "limits",
      "observe",
      "policy",
      "pool",
      "routine",
      "rpc",
      "spiffe",
      "worker",
    ],
  },
  starts: [
    "mod.ts",
    "src/contract/mod.ts",
    "src/dispatch/entry.ts",
    "src/worker/entry.ts",
    "src/http2/mod.ts",
    "src/testing/mod.ts",
    "src/cli/main.ts",
    "src/pool/spawned_worker.ts",
    "src/worker/threads/thread_entry.ts",
  ],
  computed: [
    "src/pool/spawn_command.ts",
    "src/worker/modules.ts",
    "src/worker/threads/thread_entry.ts",
  ],
};
