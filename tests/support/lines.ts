/** The one line reader of the project, for tests and the programs that they start. */
export { readLines as lines } from "../../src/pool/line_reader.ts";
