// The services of the tests for @grpc/grpc-js, from the descriptors in the configuration.
import { config, require } from "./program.mjs";

const { loadPackageDefinition } = require("@grpc/grpc-js");
const { loadFileDescriptorSetFromBuffer } = require("@grpc/proto-loader");
const protobuf = require("protobufjs");

const set = Buffer.from(config.descriptors, "base64");
const { selvage, grpc } = loadPackageDefinition(loadFileDescriptorSetFromBuffer(set, {
  defaults: true,
}));

export const echoService = selvage.test.v1.EchoService;
export const healthService = grpc.health.v1.Health;

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Detail { string text = 1; bytes data = 2; uint32 count = 3; }
`);
const Status = root.lookupType("Status");
const Detail = root.lookupType("Detail");

/** The details of an error, from its `grpc-status-details-bin`. */
export function readStatus(bytes) {
  return Status.decode(bytes).details.map(({ type_url, typeUrl = type_url, value }) => {
    if (!typeUrl.endsWith("/selvage.test.v1.EchoRequest")) throw new Error(typeUrl);
    const { text, count } = Detail.decode(value);
    return { text, count };
  });
}

/** A `grpc-status-details-bin` with one detail. */
export function writeStatus(code, message, { text, count }) {
  const value = Detail.encode({ text, count }).finish();
  const typeUrl = "type.googleapis.com/selvage.test.v1.EchoRequest";
  return Buffer.from(Status.encode({ code, message, details: [{ typeUrl, value }] }).finish());
}
