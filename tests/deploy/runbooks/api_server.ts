import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** What kubectl asks of an API server, of the kinds that the runbook uses; the objects are in memory. */

// deno-lint-ignore no-explicit-any -- any object of the API
export type KubernetesObject = Record<string, any>;

interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const KINDS: readonly Kind[] = [
  ["", "v1", "Namespace", "namespaces", false],
  ["", "v1", "Pod", "pods", true],
  ["", "v1", "Service", "services", true],
  ["", "v1", "ServiceAccount", "serviceaccounts", true],
  ["", "v1", "Secret", "secrets", true],
  ["", "v1", "ConfigMap", "configmaps", true],
  ["apps", "v1", "Deployment", "deployments", true],
  ["apps", "v1", "ReplicaSet", "replicasets", true],
  ["policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true],
  ["rbac.authorization.k8s.io", "v1", "Role", "roles", true],
  ["rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true],
  ["cert-manager.io", "v1", "Issuer", "issuers", true],
  ["cert-manager.io", "v1", "ClusterIssuer", "clusterissuers", false],
  ["cert-manager.io", "v1", "Certificate", "certificates", true],
  ["trust.cert-manager.io", "v1alpha1", "Bundle", "bundles", false],
  ["monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules", true],
].map(([group, version, kind, plural, namespaced]) =>
  ({ group, version, kind, plural, namespaced }) as Kind
);

const prefixOf = ({ group, version }: Kind): string =>
  group === "" ? `api/${version}` : `apis/${group}/${version}`;

/** An API server of loopback that keeps what it is given. */
export class ApiServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** By path, `api/v1/namespaces/selvage/configmaps/a` for instance. */
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #logs = new Map<string, string>();
  #versions = 0;

  /** @param controller Does to an object that was made what its controller would. */
  constructor(private readonly controller: (api: ApiServer, made: KubernetesObject) => void) {
    const listening = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(listening, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Makes an object, as a controller does. */
  create(object: KubernetesObject): void {
    const kind = KINDS.find((one) => one.kind === object["kind"])!;
    const { name, namespace } = object["metadata"];
    const within = namespace === undefined ? "" : `namespaces/${namespace}/`;
    this.#put(`${prefixOf(kind)}/${within}${kind.plural}/${name}`, object);
  }

  /** The object of a path, as it is now. */
  get(path: string): KubernetesObject {
    return this.#objects.get(path)!;
  }

  /** How many objects of a kind there are. */
  count(kind: string): number {
    return [...this.#objects.values()].filter((one) => one["kind"] === kind).length;
  }

  /** Sets what a pod has logged. */
  log(pod: string, text: string): void {
    this.#logs.set(pod, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #put(path: string, object: KubernetesObject): KubernetesObject {
    this.#versions += 1;
    const metadata = { uid: path, ...object["metadata"], resourceVersion: `${this.#versions}` };
    const put = { ...object, metadata };
    this.#objects.set(path, put);
    return put;
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const path = pathname.slice(1);
    const discovered = discovery(path);
    if (discovered !== undefined) return Response.json(discovered);
    const log = /^api\/v1\/namespaces\/\w+\/pods\/([\w-]+)\/log$/.exec(path);
    if (log !== null) return new Response(this.#logs.get(log[1]!) ?? "");
    const kind = KINDS.find((one) =>
      path.startsWith(prefixOf(one)) &&
      path.slice(prefixOf(one).length).split("/").includes(one.plural) &&
      (path.endsWith(`/${one.plural}`) || path.split("/").at(-2) === one.plural)
    );
    if (kind === undefined) return status(404, `no such path: ${path}`);
    if (!path.endsWith(`/${kind.plural}`)) return await this.#one(request, path);
    if (request.method === "POST") {
      const namespace = /namespaces\/([^/]+)\//.exec(path)?.[1];
      if (namespace !== undefined && !this.#objects.has(`api/v1/namespaces/${namespace}`)) {
        return status(404, `namespaces "${namespace}" not found`);
      }
      const object = await objectOf(request);
      const at = `${path}/${object["metadata"].name}`;
      if (this.#objects.has(at)) return status(409, `${at} already exists`);
      const made = this.#put(at, object);
      this.controller(this, made);
      return Response.json(this.#objects.get(at), { status: 201 });
    }
    // Nothing changes while a command of the runbook waits.
    if (searchParams.has("watch")) return new Response(new ReadableStream());
    const fields = pairsOf(searchParams.get("fieldSelector"));
    const labels = pairsOf(searchParams.get("labelSelector"));
    const items = [...this.#objects].filter(([at, { metadata }]) =>
      at.startsWith(`${path}/`) && fields.every(([, name]) => metadata.name === name) &&
      labels.every(([key, value]) => metadata.labels?.[key] === value)
    ).map(([, object]) => object);
    const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    const metadata = { resourceVersion: `${this.#versions}` };
    return Response.json({ kind: `${kind.kind}List`, apiVersion, metadata, items });
  }

  async #one(request: Request, path: string): Promise<Response> {
    const object = this.#objects.get(path);
    if (object === undefined) return status(404, `${path} not found`);
    if (request.method === "GET") return Response.json(object);
    if (request.method !== "PATCH") return status(405, request.method);
    const changes = await request.json();
    const type = request.headers.get("content-type");
    const changed = type === "application/json-patch+json"
      ? replaced(object, changes)
      : merged(object, changes);
    return Response.json(this.#put(path, changed));
  }
}

/** What tells kubectl which kinds there are, and that the server checks their fields. */
function discovery(path: string): unknown {
  if (path === "version") return { major: "1", minor: "32", gitVersion: "v1.32.0" };
  if (path === "api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "apis") {
    const versions = new Map(
      KINDS.filter(({ group }) => group !== "").map((one) => [one.group, one.version]),
    );
    const groups = [...versions].map(([name, version]) => {
      const preferredVersion = { groupVersion: `${name}/${version}`, version };
      return { name, versions: [preferredVersion], preferredVersion };
    });
    return { kind: "APIGroupList", apiVersion: "v1", groups };
  }
  const prefixes = new Set(KINDS.map(prefixOf));
  if (path === "openapi/v3") {
    return {
      paths: Object.fromEntries(
        [...prefixes].map((one) => [one, { serverRelativeURL: `/openapi/v3/${one}` }]),
      ),
    };
  }
  const described = path.replace(/^openapi\/v3\//, "");
  const kinds = KINDS.filter((one) => prefixOf(one) === described);
  if (kinds.length === 0) return undefined;
  if (described !== path) return openApi(kinds);
  const resources = kinds.map(({ plural, namespaced, kind }) => ({
    name: plural,
    singularName: kind.toLowerCase(),
    namespaced,
    kind,
    verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  }));
  const groupVersion = described.replace(/^apis?\//, "");
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

function openApi(kinds: readonly Kind[]): unknown {
  const parameters = [{ name: "fieldValidation", in: "query", schema: { type: "string" } }];
  const paths = Object.fromEntries(kinds.map(({ group, version, kind, plural }) => [
    `/${plural}`,
    {
      patch: {
        parameters,
        "x-kubernetes-group-version-kind": { group, version, kind },
        responses: {},
      },
    },
  ]));
  return { openapi: "3.0.0", info: { title: "Kubernetes", version: "v1" }, paths };
}

/** The pairs of a selector; of fields kubectl selects by the name alone. */
function pairsOf(selector: string | null): (readonly [key: string, value: string])[] {
  return (selector ?? "").split(",").filter((one) => one !== "")
    .map((one) => one.split("=") as [string, string]);
}

/** What kubectl sends: JSON, and the typed objects of its `create` in the protobuf of the Kubernetes API. */
async function objectOf(request: Request): Promise<KubernetesObject> {
  const bytes = await request.bytes();
  if (request.headers.get("content-type") !== "application/vnd.kubernetes.protobuf") {
    return JSON.parse(new TextDecoder().decode(bytes));
  }
  // After four bytes of magic a `runtime.Unknown` (1: kind and version, 2: the object), here of a ConfigMap
  // (1: metadata of which 1 is the name and 3 the namespace, 2: entries of its map, 1 their key and 2 their value).
  const unknown = fieldsOf(bytes.subarray(4));
  const kind = text(fieldsOf(unknown.get(1)![0]!).get(2));
  const object = fieldsOf(unknown.get(2)![0]!);
  const meta = fieldsOf(object.get(1)![0]!);
  const entries = (object.get(2) ?? []).map(fieldsOf);
  return {
    apiVersion: "v1",
    kind,
    metadata: { name: text(meta.get(1)), namespace: text(meta.get(3)) },
    data: Object.fromEntries(entries.map((one) => [text(one.get(1)), text(one.get(2))])),
  };
}

/** The values of a message's length-delimited fields, by field number. */
function fieldsOf(bytes: Uint8Array): ReadonlyMap<number, readonly Uint8Array[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Uint8Array[]>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, number);
    else fields.set(number, [...fields.get(number) ?? [], reader.bytes()]);
  }
  return fields;
}

function text(values: readonly Uint8Array[] | undefined): string {
  return new TextDecoder().decode(values?.[0]);
}

function status(code: number, message: string): Response {
  const reason = { 404: "NotFound", 405: "MethodNotAllowed", 409: "AlreadyExists" }[code];
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code };
  return Response.json(body, { status: code });
}

/** RFC 7396, to which the strategic merges of the runbook come down. */
function merged(object: unknown, change: unknown): KubernetesObject {
  if (typeof change !== "object" || change === null || Array.isArray(change)) {
    return change as never;
  }
  const made = { ...object as KubernetesObject };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete made[key];
    else made[key] = merged(made[key], value);
  }
  return made;
}

/** RFC 6902, of which kubectl uses `replace`. */
function replaced(
  object: KubernetesObject,
  changes: readonly { readonly path: string; readonly value: unknown }[],
): KubernetesObject {
  const made = structuredClone(object);
  for (const { path, value } of changes) {
    const keys = path.slice(1).split("/");
    const last = keys.pop()!;
    keys.reduce((at, key) => at[key], made)[last] = value;
  }
  return made;
}
