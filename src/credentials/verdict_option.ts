import { insistOnChoice, unusable } from "../errors/mod.ts";
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
  insistOnChoice("verdict", verdict, ["private", "strict"]);
  if (credentials === undefined) {
    throw unusable(
      "verdict",
      "verdict says how certificates are judged; give credentials, too",
    );
  }
  return { verdict };
}
