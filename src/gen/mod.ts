/**
 * The wire: generated from `proto/` by `deno task gen`, never edited.
 *
 * @module
 */
export * from "./grpc/health/v1/health_pb.ts";
export * as reflectionV1 from "./grpc/reflection/v1/reflection_pb.ts";
export * as reflectionV1Alpha from "./grpc/reflection/v1alpha/reflection_pb.ts";
export * from "./selvage/v1/failure_pb.ts";
export * from "./selvage/v1/payload_pb.ts";
export * from "./selvage/v1/worker_pb.ts";
