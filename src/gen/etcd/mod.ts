/**
 * The wire of etcd, which nothing loads before it is spoken to: descriptors take memory where they are loaded.
 *
 * @module
 */
export * from "./etcd_pb.ts";
