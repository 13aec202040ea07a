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

const ROOT = new URL("../../", import.meta.url);

/** A document of Kubernetes. */
// deno-lint-ignore no-explicit-any -- manifests are checked here, and then read by their paths
export type Manifest = any;
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

/** Has the published model of its kind check a manifest. */
export function validate(one: Manifest): void {
  const [, models] = MODELS[one.apiVersion] ?? assert.fail(`no schema of ${one.apiVersion}`);
  const Known = (models as Record<string, Model>)[one.kind] ?? assert.fail(`no ${one.kind}`);
  new Known(one).validate();
}

/** Has the compiler compare manifests with the published types, which know every field. */
export async function assertTyped(some: readonly Manifest[]): Promise<void> {
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

/** The documents of a YAML text, which has to be well formed. */
export function documentsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS();
  });
}
