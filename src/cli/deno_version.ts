/** The oldest Deno whose `node:tls`, workers and permissions do what is built on them. */
const OLDEST = { major: 2, minor: 9 };

/**
 * Whether this Deno can run Selvage.
 *
 * @param version Deno's version, `2.9.6` for instance.
 * @returns One sentence for a person where it cannot.
 */
export function unsupportedDeno(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === OLDEST.major && minor >= OLDEST.minor) return undefined;
  return `Selvage needs Deno ${OLDEST.major}.${OLDEST.minor} or a later ${OLDEST.major}.x, and ` +
    `this is Deno ${version}; run it with: npx -y deno@2.9.6`;
}
