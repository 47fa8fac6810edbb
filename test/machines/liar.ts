/** A machine that speaks the protocol as a test wants it to. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { PartReader } from "../../src/protocol/parts.ts";
import {
  type FrameFromLender,
  frameFromLender,
  type FrameToLender,
  readToLender,
} from "../../src/protocol/remote-frames.ts";

export type Answer = (frame: FrameToLender, liar: Liar) => void;

/** Answers as an honest machine does that has no engine. */
export const opens: Answer = (frame, liar) => {
  const { lane } = frame;
  if (frame.type === "open")
    liar.send({ type: "opened", lane, hasSignals: false, isDirect: false });
  if (frame.type === "close") {
    const ended = { exitCode: undefined, reason: "It was told to.", activity: undefined };
    liar.send({ type: "ended", lane, ...ended });
  }
  if (frame.type !== "request") return;
  const values: Record<string, unknown> = {
    initialise: { engineBuild: "quickjs-2025-09-13-sync-0" },
    install: { ok: true },
  };
  liar.send({ type: "reply", lane, requestId: frame.requestId, value: values[frame.method] });
};

export class Liar {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #parts = new PartReader(2 ** 26);

  private constructor(url: string, answer: Answer) {
    this.socket = new WebSocket(url);
    this.socket.on("error", () => {});
    this.socket.on("message", (data: Buffer, isBinary) => {
      const frame = isBinary ? this.#parts.push(data) : undefined;
      if (frame !== undefined) answer(readToLender(frame), this);
    });
    this.closed = new Promise((resolve) => {
      this.socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async join(url: string, answer: Answer = opens, workers: unknown = 1): Promise<Liar> {
    const liar = new Liar(url, answer);
    await once(liar.socket, "open");
    const skep = { version: 1, workers };
    const registration = {
      type: "worker_registration",
      workerId: `liar-${Math.random()}`,
      workerName: "liar",
      capabilities: { models: [], maxConcurrentRequests: 1, metadata: { skep } },
    };
    liar.socket.send(JSON.stringify(registration));
    await once(liar.socket, "message");
    return liar;
  }

  send(frame: FrameFromLender): void {
    this.socket.send(frameFromLender(frame));
  }
}
