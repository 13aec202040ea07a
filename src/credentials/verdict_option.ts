import { ConfigurationError } from "../errors/mod.ts";
import type { VerdictMode } from "../identity/mod.ts";
import type { Credentials } from "./credentials.ts";
import type { OpenCredentialsOptions } from "./source.ts";

/**
 * The setting `verdict` beside `credentials`, to open them with.
 *
 * @throws {ConfigurationError} if it is not a verdict, or there are no credentials that it could be about.
 */
export function verdictOption(
  { verdict, credentials }: {
    readonly verdict?: VerdictMode | undefined;
    readonly credentials?: Credentials | undefined;
  },
): Pick<OpenCredentialsOptions, "verdict"> {
  if (verdict === undefined) return {};
  if (verdict !== "private" && verdict !== "strict") {
    throw new ConfigurationError(
      `verdict is "private" or "strict", not ${JSON.stringify(verdict)}`,
      { setting: "verdict" },
    );
  }
  if (credentials === undefined) {
    throw new ConfigurationError(
      "verdict says how certificates are judged; give credentials, too",
      {
        setting: "verdict",
      },
    );
  }
  return { verdict };
}
