/**
 * The wire of the SPIFFE Workload API, which nothing loads before an agent is asked: descriptors take memory where
 * they are loaded.
 *
 * @module
 */
export * from "./workload/workload_pb.ts";
