/** A loopback proxy that can hold, cut and break what passes through it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<[client: Socket, upstream: Socket]>();
  #isHeld = false;
  #held: (() => void)[] = [];
  #cutAfterBytes = Number.POSITIVE_INFINITY;
  /** Where it leads to. */
  target: number;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((client) => this.#join(client));
  }

  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #join(client: Socket): void {
    const upstream = connect(this.target, "127.0.0.1");
    const pair: [Socket, Socket] = [client, upstream];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on("data", (chunk: Buffer) => this.#pass(to, chunk));
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  #pass(to: Socket, chunk: Buffer): void {
    if (this.#isHeld) {
      this.#held.push(() => to.write(chunk));
      return;
    }
    if (chunk.length < this.#cutAfterBytes) {
      this.#cutAfterBytes -= chunk.length;
      to.write(chunk);
      return;
    }
    to.write(chunk.subarray(0, this.#cutAfterBytes));
    this.#cutAfterBytes = Number.POSITIVE_INFINITY;
    this.cut();
  }

  /** Nothing passes from now on; connections stay open. */
  hold(): void {
    this.#isHeld = true;
  }

  /** What was held arrives now. */
  release(): void {
    this.#isHeld = false;
    for (const pass of this.#held.splice(0)) pass();
  }

  /** Cuts everything once so many more bytes have passed, wherever a frame is then. */
  cutAfter(bytes: number): void {
    this.#cutAfterBytes = bytes;
  }

  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }
}
