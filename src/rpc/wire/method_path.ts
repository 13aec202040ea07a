import type { DescMethod } from "@bufbuild/protobuf";

/** The path that a method is called at. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
