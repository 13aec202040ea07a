import { Credentials, type Credentials as CredentialsValue } from "../credentials/mod.ts";
import { type HandedCredentials, takenOver } from "./handover.ts";

/** Credentials that are handed in, each version taking the place of the one before. */
export interface CredentialsInlet {
  /** What a worker or a dispatcher is opened with; it can be opened once. */
  readonly credentials: CredentialsValue;
  /** Hands in a new version; one that nobody has taken yet is overtaken. */
  hand(version: HandedCredentials): void;
}

/** The provider is asked again at once: it answers when there is something new. */
const ASK_AGAIN_MS = 1;

/** Makes credentials that begin with `first`. */
export function handedCredentials(first: HandedCredentials): CredentialsInlet {
  let latest: HandedCredentials | undefined = first;
  let wake = () => {};
  return {
    credentials: Credentials.provider(async () => {
      while (latest === undefined) await new Promise<void>((resolve) => wake = resolve);
      const version = latest;
      latest = undefined;
      return takenOver(version);
    }, { refreshMs: ASK_AGAIN_MS }),
    hand: (version) => {
      latest = version;
      wake();
    },
  };
}
