/**
 * The commands of the Kubernetes runbook, run as they stand by the real kubectl, against an API server of this test
 * that keeps what it is given and plays the part of the controllers. That the manifests fit their published schemas
 * is for `kubernetes_test.ts` beside this folder.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority } from "../../../src/credentials/mod.ts";
import { findTool, testWithTool } from "../../foreign/tool.ts";
import { ApiServer, type KubernetesObject } from "./api_server.ts";
import { readRunbook } from "./runbook.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url)).replace(/\/$/, "");
const KUBECTL = { name: "kubectl", path: findTool("kubectl") };

testWithTool(
  KUBECTL,
  "every command of the Kubernetes runbook does what the runbook says",
  async () => {
    const { blocks, inline } = await readRunbook("kubernetes/README.md", ["kubectl"]);
    const [install, verify, ...others] = blocks;
    assert.deepEqual(others, []);
    const authorities = [createAuthority(), createAuthority()].map(({ certPem }) => certPem);
    const [first, second] = authorities as [string, string];
    const folder = await Deno.makeTempDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    await using api = new ApiServer((api, made) => control(api, made, first));
    api.create({ kind: "Namespace", apiVersion: "v1", metadata: { name: "cert-manager" } });
    await Deno.symlink(`${ROOT}/deploy`, `${folder}/deploy`);
    await Deno.writeTextFile(`${folder}/config`, kubeconfig(api.url));
    const shell = async (script: string): Promise<string> => {
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-c", `set -e -o pipefail\n${script}`],
        cwd: folder,
        env: { HOME: folder, KUBECONFIG: `${folder}/config` },
      }).output();
      assert.equal(code, 0, `${script}\n${new TextDecoder().decode(stderr)}`);
      return new TextDecoder().decode(stdout);
    };

    await shell(install!.join("\n"));
    assert.equal(await Deno.readTextFile(`${folder}/ca.crt`), first);
    const previous = "api/v1/namespaces/cert-manager/configmaps/selvage-ca-previous";
    const [{ sources }] = [
      api.get("apis/trust.cert-manager.io/v1alpha1/bundles/selvage-trust")["spec"],
    ];
    const [{ name, key }] = sources.flatMap((one: KubernetesObject) => one["configMap"] ?? []);
    assert.ok(previous.endsWith(`/${name}`));
    assert.equal(api.get(previous)["data"][key], first);
    assert.deepEqual([api.count("Deployment"), api.count("Certificate")], [2, 3]);

    api.log("worker-0", '{"type":"worker.ready"}\n{"type":"call.failed"}\n');
    const [rollout = "", logs = ""] = [await shell(verify![0]!), await shell(verify![1]!)];
    assert.match(rollout, /"worker" successfully rolled out/);
    assert.equal(logs, '{"type":"worker.ready"}\n');

    // The rotation, with cert-manager's part between its commands.
    const [keep, replace, look, undo, ...more] = inline;
    assert.deepEqual(more, []);
    const secret = "api/v1/namespaces/cert-manager/secrets/selvage-ca";
    api.create({ ...api.get(secret), data: { "ca.crt": btoa(second) } });
    await shell(`${keep}\n${replace}`);
    assert.equal(api.get(previous)["data"][key], second);
    assert.match(await shell(look!), /^worker /m);

    const worker = "apis/apps/v1/namespaces/selvage/deployments/worker";
    const image = (): string => api.get(worker)["spec"].template.spec.containers[0].image;
    assert.notEqual(image(), "before");
    await shell(undo!);
    assert.equal(image(), "before");
  },
);

/** What the controllers of a cluster with cert-manager make of an object. */
function control(api: ApiServer, made: KubernetesObject, ca: string): void {
  const { name, namespace } = made["metadata"];
  if (made["kind"] === "Certificate") {
    api.create({ ...made, status: { conditions: [{ type: "Ready", status: "True" }] } });
    const metadata = { name: made["spec"].secretName, namespace };
    api.create({ apiVersion: "v1", kind: "Secret", metadata, data: { "ca.crt": btoa(ca) } });
  }
  if (made["kind"] !== "Deployment") return;
  const { replicas = 1, selector, template } = made["spec"];
  const counts = { replicas, updatedReplicas: replicas, availableReplicas: replicas };
  const REVISION = "deployment.kubernetes.io/revision";
  const annotations = { ...made["metadata"].annotations, [REVISION]: "2" };
  const metadata = { ...made["metadata"], generation: 1, annotations };
  api.create({ ...made, metadata, status: { ...counts, observedGeneration: 1 } });
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name, uid: made["metadata"].uid };
  const before = structuredClone(template);
  before.spec.containers[0].image = "before";
  for (const [at, one] of [before, template].entries()) {
    api.create({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${name}-${at + 1}`,
        namespace,
        labels: template.metadata.labels,
        annotations: { [REVISION]: `${at + 1}` },
        ownerReferences: [{ ...owner, controller: true }],
      },
      spec: { replicas: at * replicas, selector, template: one },
    });
  }
  api.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${name}-0`, namespace, labels: template.metadata.labels },
    spec: template.spec,
    status: { phase: "Running" },
  });
}

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server } }],
    users: [{ name: "test", user: {} }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  });
}
