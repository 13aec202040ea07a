/**
 * The pods of a Kubernetes service, by its EndpointSlices.
 *
 * @module
 */
export * from "./kubernetes.ts";
