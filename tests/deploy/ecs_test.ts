import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const ECS = new URL("../../deploy/ecs/", import.meta.url);

/** Each file, and the request of the published API that it is the input of. */
const REQUESTS = {
  "task-definition.json": ["@aws-sdk/client-ecs", "RegisterTaskDefinitionCommandInput"],
  "service.json": ["@aws-sdk/client-ecs", "CreateServiceCommandInput"],
  "cloud-map-service.json": ["@aws-sdk/client-servicediscovery", "CreateServiceCommandInput"],
} as const;

type FileName = keyof typeof REQUESTS;

const files = new Map<FileName, unknown>();
for (const name of Object.keys(REQUESTS) as FileName[]) {
  files.set(name, JSON.parse(await Deno.readTextFile(new URL(name, ECS))));
}

Deno.test("every ECS and Cloud Map file fits the published API, field by field", async () => {
  assert.equal(await faultOf(files), undefined);
});

Deno.test("the published API rejects what is wrong", async () => {
  const broken = structuredClone(files);
  const task = broken.get("task-definition.json") as TaskDefinition;
  task.networkMode = "awsvpn";
  task.containerDefinitions[0].stopTimeOut = 35;
  task.containerDefinitions[1].portMappings[0].containerPort = "8443";
  const service = broken.get("service.json") as Record<string, unknown>;
  delete service["serviceName"];
  const fault = await faultOf(broken) ?? "";
  for (
    const found of [
      /awsvpn/,
      /stopTimeOut/,
      /type 'string' is not assignable to type 'number'/i,
      /serviceName/,
    ]
  ) {
    assert.match(fault, found);
  }
});

// deno-lint-ignore no-explicit-any -- broken on purpose, by paths that its type does not have
type TaskDefinition = any;

/** Has the compiler compare files with the published types; `undefined` where they fit. */
async function faultOf(some: ReadonlyMap<FileName, unknown>): Promise<string | undefined> {
  const lines = [...some].map(([name, value], index) => {
    const [module, type] = REQUESTS[name];
    return `import type { ${type} as T${index} } from "${module}";
export const v${index}: T${index} = ${JSON.stringify(value, undefined, 1)};`;
  });
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/requests.ts`, lines.join("\n"));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", CONFIG, `${folder}/requests.ts`],
      env: { NO_COLOR: "1" },
    }).output();
    return success ? undefined : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
