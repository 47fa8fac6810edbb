import type { Transport } from "./transport.ts";

/** Loads what makes requests in Node. */
export async function loadTransport(): Promise<Transport> {
  const { transport } = await import("./transport.node.ts");
  return transport;
}
