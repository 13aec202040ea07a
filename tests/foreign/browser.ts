import { lines } from "../support/lines.ts";

/** A page of a browser that is driven through its DevTools protocol. */
export class BrowserPage implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #folder: string;
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, PromiseWithResolvers<CdpAnswer>>();
  #loaded = Promise.withResolvers<void>();
  #session: string | undefined;
  #questions = 0;

  private constructor(process: Deno.ChildProcess, folder: string, socket: WebSocket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /**
   * Starts a browser that trusts one certificate, and nothing else that it would not.
   *
   * @param path where the browser is.
   * @param spkiDigest the SHA-256 of that certificate's public key, in base64.
   */
  static async open(path: string, spkiDigest: string): Promise<BrowserPage> {
    const folder = await Deno.makeTempDir();
    const process = new Deno.Command(path, {
      args: [
        ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        ...["--no-first-run", "--disable-background-networking", "--disable-sync"],
        ...["--disable-component-update", "--disable-default-apps", "--disable-extensions"],
        ...["--no-proxy-server", "--remote-debugging-port=0", `--user-data-dir=${folder}`],
        ...[`--ignore-certificate-errors-spki-list=${spkiDigest}`, "about:blank"],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const socket = new WebSocket(await debuggerUrl(process.stderr));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const page = new BrowserPage(process, folder, socket);
    await page.#attach();
    return page;
  }

  /** Goes to a page, and waits until it has loaded. */
  async go(url: string): Promise<void> {
    this.#loaded = Promise.withResolvers();
    const { errorText } = await this.#ask("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(String(errorText));
    await this.#loaded.promise;
  }

  /** Runs a program in the page, which may await; gives its result. */
  async evaluate<Value>(program: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#ask("Runtime.evaluate", {
      expression: `(async () => { ${program} })()`,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: Value }).value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#ask("Browser.close", {}).catch(() => {});
    await this.#process.status;
    await closed;
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #attach(): Promise<void> {
    const { targetId } = await this.#ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#ask("Target.attachToTarget", { targetId, flatten: true });
    this.#session = String(sessionId);
    await this.#ask("Page.enable", {});
  }

  #ask(method: string, params: Readonly<Record<string, unknown>>): Promise<CdpAnswer> {
    const id = ++this.#questions;
    const asked = Promise.withResolvers<CdpAnswer>();
    this.#asked.set(id, asked);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return asked.promise;
  }

  #receive(message: CdpMessage): void {
    if (message.method === "Page.loadEventFired") this.#loaded.resolve();
    if (message.id === undefined) return;
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.result ?? {});
    else asked?.reject(new Error(message.error.message));
  }
}

type CdpAnswer = Readonly<Record<string, unknown>>;

interface CdpMessage {
  readonly id?: number;
  readonly method?: string;
  readonly result?: CdpAnswer;
  readonly error?: { readonly message: string };
}

/** Reads the address that the browser says it can be driven at, and drops what else it says. */
function debuggerUrl(stderr: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  (async () => {
    const said: string[] = [];
    for await (const line of lines(stderr)) {
      const [, url] = /^DevTools listening on (ws:\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
      else if (said.length < 50) said.push(line);
    }
    reject(new Error(`the browser ended: ${said.join("\n")}`));
  })();
  return promise;
}
