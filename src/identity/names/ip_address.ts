/** Reads an IPv4 or IPv6 address, the latter also in brackets; its 4 or 16 bytes. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (text.startsWith("[") && text.endsWith("]")) return parseIpv6(text.slice(1, -1));
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Writes an address, IPv6 as RFC 5952 §4 wants it. */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  // A leading zero reads as octal elsewhere, so it has no meaning here.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...new Array<number>(missing).fill(0), ...(tail ?? [])];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const last = parts.at(-1) ?? "";
  const embedded = last.includes(".") ? parseIpv4(last) : undefined;
  if (last.includes(".") && embedded === undefined) return undefined;
  const written = embedded === undefined ? parts : parts.slice(0, -1);
  if (!written.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return undefined;
  const numbers = written.map((part) => parseInt(part, 16));
  if (embedded !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = embedded;
    numbers.push(a << 8 | b, c << 8 | d);
  }
  return numbers;
}

function formatIpv6(bytes: Uint8Array): string {
  const numbers = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const { start, length } = longestZeroRun(numbers);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  // RFC 5952 §4.2.2: a single zero group is not shortened.
  if (length < 2) return text(numbers);
  return `${text(numbers.slice(0, start))}::${text(numbers.slice(start + length))}`;
}

function longestZeroRun(numbers: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < numbers.length; start++) {
    let length = 0;
    while (numbers[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
