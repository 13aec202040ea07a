/** Lets a stack dispose of a resource, where there is one, and returns it. */
export function use<Resource extends AsyncDisposable | undefined>(
  stack: AsyncDisposableStack,
  resource: Resource,
): Resource {
  stack.use(resource);
  return resource;
}
