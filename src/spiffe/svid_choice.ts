import type { X509SVID } from "../gen/spiffe/mod.ts";

/** Which identity to take where the agent gives several. Default: the first, which is the default one. */
export interface SvidChoice {
  /** The SPIFFE ID of the identity, whole. Default: any. */
  readonly id?: string | undefined;
  /** The hint that the operator gave the identity. Default: any. */
  readonly hint?: string | undefined;
}

/** The first that fits, as the SPIFFE Workload API §5.2.1 has it for a hint that is given twice. */
export function chosenSvid(
  svids: readonly X509SVID[],
  { id, hint }: SvidChoice,
): X509SVID | undefined {
  return svids.find((svid) =>
    (id === undefined || svid.spiffeId === id) && (hint === undefined || svid.hint === hint)
  );
}

/** Names the choice, for a sentence that begins with "no identity". */
export function describeChoice({ id, hint }: SvidChoice): string {
  const wanted = [
    ...(id === undefined ? [] : [`of the ID ${id}`]),
    ...(hint === undefined ? [] : [`of the hint ${JSON.stringify(hint)}`]),
  ];
  return wanted.length === 0 ? "at all" : wanted.join(" ");
}
