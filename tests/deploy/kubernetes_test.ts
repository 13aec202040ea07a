import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { walk } from "../support/walk.ts";
import { assertTyped, documentsOf, type Manifest, validate } from "./manifests.ts";
import { findTool, runTool, testWithTool } from "../foreign/tool.ts";

const ROOT = new URL("../../", import.meta.url);
const KUBERNETES = new URL("deploy/kubernetes/", ROOT);
const KUBECTL = { name: "kubectl", path: findTool("kubectl") };

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
