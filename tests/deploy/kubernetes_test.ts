import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as certManager from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import * as trustManager from "@kubernetes-models/cert-manager/trust.cert-manager.io/v1alpha1";
import * as prometheus from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import * as apps from "kubernetes-models/apps/v1";
import * as policy from "kubernetes-models/policy/v1";
import * as rbac from "kubernetes-models/rbac.authorization.k8s.io/v1";
import * as core from "kubernetes-models/v1";
import { parseAllDocuments } from "yaml";
import { walk } from "../support/walk.ts";
import { findTool, runTool, testWithTool } from "../foreign/tool.ts";

const ROOT = new URL("../../", import.meta.url);
const KUBERNETES = new URL("deploy/kubernetes/", ROOT);
const KUBECTL = { name: "kubectl", path: findTool("kubectl") };

// deno-lint-ignore no-explicit-any -- manifests are checked here, and then read by their paths
type Manifest = any;
type Model = new (manifest: Manifest) => { validate(): void };

/** The published models, by `apiVersion`, and the modules that their types come from. */
const MODELS: Readonly<Record<string, readonly [string, object]>> = {
  "v1": ["kubernetes-models/v1", core],
  "apps/v1": ["kubernetes-models/apps/v1", apps],
  "policy/v1": ["kubernetes-models/policy/v1", policy],
  "rbac.authorization.k8s.io/v1": ["kubernetes-models/rbac.authorization.k8s.io/v1", rbac],
  "cert-manager.io/v1": ["@kubernetes-models/cert-manager/cert-manager.io/v1", certManager],
  "trust.cert-manager.io/v1alpha1": [
    "@kubernetes-models/cert-manager/trust.cert-manager.io/v1alpha1",
    trustManager,
  ],
  "monitoring.coreos.com/v1": [
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
    prometheus,
  ],
};

const manifests = await allManifests();

function manifest(kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  assert.ok(found !== undefined, `${kind} ${name}`);
  return found;
}

Deno.test("every manifest fits the published schema of its kind", () => {
  assert.ok(manifests.length >= 15, `${manifests.length}`);
  for (const one of manifests) validate(one);
});

Deno.test("the published schemas reject what is wrong", () => {
  const broken = structuredClone(manifest("Deployment", "worker"));
  broken.spec.replicas = "2";
  assert.throws(() => validate(broken), /replicas/);
});

Deno.test("no manifest has a field that its type does not know", async () => {
  await assertTyped(manifests);
  const misspelt = structuredClone(manifest("Deployment", "worker"));
  misspelt.spec.template.spec.containers[0].readynessProbe = {};
  await assert.rejects(assertTyped([misspelt]), /readynessProbe/);
});

testWithTool(KUBECTL, "the overlays give manifests that fit, too", async (kubectl) => {
  const built: Manifest[] = [];
  for (const folder of ["authority", "base", "overlays/spire", "overlays/pod-certificates"]) {
    const { code, stdout, stderr } = await runTool(kubectl, [
      "kustomize",
      fileURLToPath(new URL(folder, KUBERNETES)),
    ]);
    assert.equal(code, 0, stderr);
    built.push(...documentsOf(stdout));
  }
  for (const one of built) validate(one);
  await assertTyped(built);
  const volumes = built.filter(({ kind }) => kind === "Deployment").slice(2)
    .flatMap(({ spec }) => spec.template.spec.volumes).map((volume) => Object.keys(volume).sort());
  assert.deepEqual(volumes, [
    ["csi", "name"],
    ["csi", "name"],
    ["name", "projected"],
    ["configMap", "name"],
    ["name", "projected"],
    ["configMap", "name"],
  ]);
});

Deno.test("the certificates of both ends may be used in either role, and are renewed in good time", () => {
  for (const name of ["worker", "dispatcher"]) {
    const { usages, duration, renewBefore, privateKey } = manifest("Certificate", name).spec;
    assert.deepEqual(usages, [
      "digital signature",
      "key encipherment",
      "server auth",
      "client auth",
    ]);
    assert.ok(hours(renewBefore) >= hours(duration) / 3);
    assert.equal(privateKey.rotationPolicy, "Always");
  }
});

Deno.test("pods run with the least privilege, and are given the time that a drain takes", () => {
  for (const name of ["worker", "dispatcher"]) {
    const { spec } = manifest("Deployment", name).spec.template;
    assert.deepEqual([spec.securityContext.runAsNonRoot, spec.automountServiceAccountToken], [
      true,
      false,
    ]);
    for (const container of spec.containers) {
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      for (const probe of ["livenessProbe", "readinessProbe"]) assert.ok(container[probe]);
      const grace = container.env.find(({ name }: Manifest) => name === "SELVAGE_DRAIN_GRACE");
      const drain = Number.parseInt(grace?.value ?? "25s");
      const { seconds } = container.lifecycle.preStop.sleep;
      assert.ok(seconds + drain < spec.terminationGracePeriodSeconds);
    }
  }
});

Deno.test("the Bundle trusts the authority and the one before it", () => {
  const { sources, target } = manifest("Bundle", "selvage-trust").spec;
  assert.equal(sources.length, 2);
  const { volumes } = manifest("Deployment", "worker").spec.template.spec;
  const trust = volumes.find(({ name }: Manifest) => name === "trust");
  assert.equal(trust.configMap.name, "selvage-trust");
  assert.equal(target.configMap.key, "ca.crt");
});

Deno.test("alerts name metrics that exist, by labels that they have", async () => {
  const text = await Deno.readTextFile(new URL("src/observe/metrics.ts", ROOT));
  const known = [...text.matchAll(/meter\.create(\w+)\("([a-z._]+)",?[^}]*?\}/g)].map(
    ([whole, kind, name]) => {
      const unit = /unit: "s"/.test(whole!) && !name!.endsWith("seconds_left") ? "_seconds" : "";
      return name!.replaceAll(".", "_") + unit + (kind === "Counter" ? "_total" : "");
    },
  );
  const rules = manifest("PrometheusRule", "selvage").spec.groups[0].rules;
  const named = rules.flatMap(({ expr }: Manifest) => expr.match(/\bselvage_\w+/g));
  assert.ok(named.length >= 6);
  assert.deepEqual(named.filter((name: string) => !known.includes(name)), []);
});

function hours(duration: string): number {
  assert.match(duration, /^\d+h$/);
  return Number.parseInt(duration);
}

function validate(one: Manifest): void {
  const [, models] = MODELS[one.apiVersion] ?? assert.fail(`no schema of ${one.apiVersion}`);
  const Known = (models as Record<string, Model>)[one.kind] ?? assert.fail(`no ${one.kind}`);
  new Known(one).validate();
}

/** Has the compiler compare manifests with the published types, which know every field. */
async function assertTyped(some: readonly Manifest[]): Promise<void> {
  const lines = some.map((one, index) => {
    const [module] = MODELS[one.apiVersion]!;
    return `import type { I${one.kind} as K${index} } from "${module}";
export const m${index}: K${index} = ${JSON.stringify(one, undefined, 1)};`;
  });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/manifests.ts`, lines.join("\n"));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "check",
        "--config",
        fileURLToPath(new URL("deno.json", ROOT)),
        `${folder}/manifests.ts`,
      ],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Every manifest that is applied as it is: overlays are patches. */
async function allManifests(): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for await (const path of walk(KUBERNETES)) {
    if (!path.endsWith(".yaml") || path.startsWith("overlays/")) continue;
    if (path.endsWith("kustomization.yaml")) continue;
    found.push(...documentsOf(await Deno.readTextFile(new URL(path, KUBERNETES))));
  }
  return found;
}

function documentsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
}
