import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { messageOf } from "../../values/mod.ts";
import { writeMessage } from "./message_writer.ts";

/**
 * Writes a message in binary form.
 *
 * @throws {ConnectError} `Internal` where it cannot be written, as connect-es words it.
 */
export function writeBinary<Desc extends DescMessage>(
  desc: Desc,
  init: MessageInitShape<Desc>,
): Uint8Array {
  const message = create(desc, init);
  try {
    return writeMessage(desc, message);
  } catch (error) {
    throw new ConnectError(`serialize binary: ${messageOf(error)}`, Code.Internal);
  }
}

/**
 * Reads a message in binary form.
 *
 * @throws {ConnectError} `Internal` where it is invalid, as connect-es words it.
 */
export function readBinary<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  try {
    return fromBinary(desc, bytes);
  } catch (error) {
    throw new ConnectError(`parse binary: ${messageOf(error)}`, Code.Internal);
  }
}
