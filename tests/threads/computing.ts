import { join } from "node:path";

/**
 * A file until which `spinUntil` computes; it is there, at the latest, once this is disposed of. Code that computes goes
 * on after `Worker.terminate()` (Deno 2.9.6), and would take a core from the tests that follow.
 */
export class Computing implements Disposable {
  readonly path: string = join(Deno.makeTempDirSync(), "over");

  /** Has the routines return. */
  end(): void {
    Deno.writeTextFileSync(this.path, "");
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
