/**
 * Open Policy Agent in place of rules: a Rego policy, compiled to WebAssembly, decides about each call.
 *
 * @module
 */
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import type { AuthorizeCall, PolicyHook } from "../src/worker/entry.ts";

/**
 * Decides by a compiled Rego policy, whose entry point gives `{ "allow": boolean, "rule": string }`. Its input has
 * `peer`, `names`, `claims`, `routine`, `method` and `tags`.
 *
 * @param wasm What `opa build -t wasm -e selvage/decision` makes: the `policy.wasm` in its bundle.
 */
export async function opaPolicy(wasm: Uint8Array<ArrayBuffer>): Promise<PolicyHook> {
  const policy = await loadPolicy(wasm.buffer);
  return {
    authorize: (call) => {
      const [answer] = policy.evaluate(inputOf(call)) as readonly { readonly result: Decision }[];
      // Without an answer this throws, which denies the call: `hook-failed`.
      return answer!.result;
    },
  };
}

interface Decision {
  readonly allow: boolean;
  readonly rule: string;
}

function inputOf({ peer, claims, routine, method, tags }: AuthorizeCall) {
  return {
    peer: peer.identity ?? "",
    names: peer.names,
    claims: claims ?? {},
    routine: routine ?? "",
    method,
    tags,
  };
}
