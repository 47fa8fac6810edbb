import type { Transport } from "./transport.ts";

/** Loads what makes requests in a browser. */
export async function loadTransport(): Promise<Transport> {
  const { transport } = await import("./transport.web.ts");
  return transport;
}
