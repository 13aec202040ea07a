// What the drivers of peers under Node share.

/** The bytes that `32`, `64k` and `1m` stand for. */
export function bytesOf(text) {
  const factor = text.endsWith("m") ? 1024 * 1024 : text.endsWith("k") ? 1024 : 1;
  return parseInt(text) * factor;
}

/** Calls a second of so many callers; of one, the median time of a call in milliseconds. */
export async function calls(once, callers, durationMs) {
  const taken = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: Number(callers) }, async () => {
    while (performance.now() < begun + durationMs) {
      const start = performance.now();
      await once();
      taken.push(performance.now() - start);
    }
  }));
  if (callers !== "1") return taken.length / (performance.now() - begun) * 1e3;
  return taken.sort((a, b) => a - b)[taken.length >> 1];
}

/** How often something is done a second, so many at a time. */
export async function connects(atOnce, durationMs, once) {
  let count = 0;
  const begun = performance.now();
  await Promise.all(Array.from({ length: Number(atOnce) }, async () => {
    while (performance.now() < begun + durationMs) {
      await once();
      count++;
    }
  }));
  return count / (performance.now() - begun) * 1e3;
}
