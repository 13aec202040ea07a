/** The values of permission flags, each once. */
export function sortedPermissions(flags: readonly string[]): Record<string, readonly string[]> {
  return Object.fromEntries(flags.map((flag) => {
    const [name, values = ""] = flag.split("=");
    return [name, [...new Set(values.split(","))].sort()];
  }));
}
