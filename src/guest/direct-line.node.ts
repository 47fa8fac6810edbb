/**
 * A worker's own connection for its batches, past the relay of its machine: two threads less to
 * wake for a call. What may be stuck in it while this thread blocks goes over the relay, numbered,
 * so that order is kept and nothing counts twice.
 */
import type { Socket } from "node:net";
import { LengthReader, withLength } from "../protocol/lengths.ts";
import type { Payload } from "../protocol/payload.ts";
import { frameFromLender, readToLender } from "../protocol/remote-frames.ts";

/** As in the environment contract. */
export interface DirectAddress {
  url: string;
  ticket: string;
  lane: number;
  maxFrameBytes: number;
}

export interface DirectLine {
  /** Sends a batch; `relay` takes those that the connection may not send at once. */
  post(batch: Payload, relay: (batch: Payload, order: number) => void): void;
  /** Set once: receives batches. */
  onBatch: (batch: Payload) => void;
}

/** What the system takes in one go when nothing waits. */
const PROMPT_BYTES = 16 * 1024;
const CONNECT_TIMEOUT_MS = 3_000;

/** Undefined when there is no such way to the server: then everything goes over the relay. */
export async function openDirectLine(address: DirectAddress): Promise<DirectLine | undefined> {
  const { lane, maxFrameBytes } = address;
  const connected = await connect(address);
  if (connected === undefined) return undefined;
  const { socket, head } = connected;
  let lastOrder = 0;
  const line: DirectLine = {
    onBatch: () => {},
    post(batch, relay) {
      const order = ++lastOrder;
      const isPrompt = batch.buffers.length === 0 && batch.bytes.length <= PROMPT_BYTES;
      if (!isPrompt || socket.writableLength > 0) {
        relay(batch, order);
        return;
      }
      socket.write(withLength(frameFromLender({ type: "batch", lane, order, batch })));
      // Some of it is still here, and this thread may block now: whichever comes first counts.
      if (socket.writableLength > 0) relay(batch, order);
    },
  };
  const reader = new LengthReader(maxFrameBytes, (bytes) => {
    const frame = readToLender(bytes);
    if (frame.type === "batch") line.onBatch(frame.batch);
  });
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => reader.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    throw new Error("The worker's connection to its server is gone.");
  });
  if (head.length > 0) reader.push(head);
  return line;
}

/** Resolves with a connection on which the server has accepted the ticket. */
async function connect({
  url,
  ticket,
}: DirectAddress): Promise<{ socket: Socket; head: Buffer } | undefined> {
  const isSecure = url.startsWith("https:");
  const { request } = isSecure ? await import("node:https") : await import("node:http");
  return new Promise((resolve) => {
    const asking = request(url, {
      headers: { Connection: "Upgrade", Upgrade: "skep-lane", "Skep-Ticket": ticket },
      timeout: CONNECT_TIMEOUT_MS,
    });
    asking.on("upgrade", (_response, socket: Socket, head: Buffer) => {
      socket.setTimeout(0);
      resolve({ socket, head });
    });
    const refuse = (): void => {
      asking.destroy();
      resolve(undefined);
    };
    asking.on("response", refuse);
    asking.on("timeout", refuse);
    asking.on("error", refuse);
    asking.end();
  });
}
