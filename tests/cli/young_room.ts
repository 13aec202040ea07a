/** Says how much room V8 has made for young objects, until it is small. */
import { getHeapSpaceStatistics } from "node:v8";

const timer = setInterval(() => {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")!;
  if (young.space_size > 1024 * 1024) return;
  console.error("the room for young objects is small");
  clearInterval(timer);
}, 20);
