/** What a machine lends over one connection: its lanes, and the frames to and from them. */
import type { Environment } from "../../environments/contract.ts";
import type { EngineName } from "../../protocol/control.ts";
import { Outbox } from "../../protocol/outbox.ts";
import { PartReader } from "../../protocol/parts.ts";
import {
  type FrameFromLender,
  frameFromLender,
  readToLender,
} from "../../protocol/remote-frames.ts";
import { LentLane, type Permissions } from "./lane.ts";

export interface LenderOptions {
  /** Workers it lends at the same time. */
  workers: number;
  environment: Environment;
  permissions: Permissions;
  maxFrameBytes: number;
  /** Where its workers may connect by themselves. */
  directUrl: string;
  readonly loadEngine: (engine: EngineName) => Promise<WebAssembly.Module>;
  readonly send: (message: Uint8Array<ArrayBuffer>, written: () => void) => void;
  /** The connection is of no use: the server sent what is no frame, or does not read. */
  onBroken(reason: string): void;
  /** A worker was lent or has come back. */
  readonly onChange: () => void;
}

/** Until the server has said how large its messages may be. */
const SMALL_MESSAGE_BYTES = 2 ** 14;

const MINIMUM_MESSAGE_BYTES = 1_024;

export class Lender {
  readonly #options: LenderOptions;
  readonly #lanes = new Map<number, LentLane>();
  readonly #parts: PartReader;
  #outbox: Outbox;
  #messageBytes = SMALL_MESSAGE_BYTES;
  #isGone = false;

  constructor(options: LenderOptions) {
    this.#options = options;
    this.#parts = new PartReader(options.maxFrameBytes);
    this.#outbox = this.#createOutbox();
  }

  /** Workers that are lent. */
  get lentCount(): number {
    return this.#lanes.size;
  }

  /** Of those, how many run guest code at this moment. */
  get runningCount(): number {
    return [...this.#lanes.values()].filter((lane) => lane.isRunning).length;
  }

  /** The newest revision of a registry that one of its workers has. */
  get revision(): number {
    return Math.max(0, ...[...this.#lanes.values()].map(({ revision }) => revision));
  }

  receive(bytes: Uint8Array): void {
    if (this.#isGone) return;
    try {
      const whole = this.#parts.push(bytes);
      if (whole === undefined) return;
      const frame = readToLender(whole);
      if (frame.type === "open") this.#open(frame);
      // One that has ended here may not be known to have, yet.
      else this.#lanes.get(frame.lane)?.receive(frame);
    } catch (error) {
      this.#options.onBroken(error instanceof Error ? error.message : String(error));
    }
  }

  /** Tells the server that nothing new is wanted. */
  leave(): void {
    this.#send({ type: "leaving", lane: 0 });
  }

  /** The connection is gone: ends what was lent over it. */
  async end(): Promise<void> {
    this.#isGone = true;
    this.#outbox.clear();
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  #open(frame: Parameters<LentLane["open"]>[0]): void {
    const { lane: number, maxFrameBytes } = frame;
    if (this.#lanes.has(number)) throw new Error(`Lane ${number} is open already.`);
    if (maxFrameBytes < MINIMUM_MESSAGE_BYTES) throw new Error("Messages cannot be so small.");
    if (this.#messageBytes !== maxFrameBytes) {
      // Before anything was sent: the first frame of a connection is an answer to this.
      this.#messageBytes = maxFrameBytes;
      this.#outbox = this.#createOutbox();
    }
    const { workers, onChange } = this.#options;
    const lane = new LentLane(number, {
      ...this.#options,
      send: (answer) => this.#send(answer),
      onEnded: () => {
        this.#lanes.delete(number);
        onChange();
      },
    });
    if (this.#lanes.size >= workers) {
      const reason = `All ${workers} workers are lent.`;
      this.#send({ type: "ended", lane: number, exitCode: undefined, reason, activity: undefined });
      return;
    }
    this.#lanes.set(number, lane);
    onChange();
    void lane.open(frame);
  }

  #send(frame: FrameFromLender): void {
    if (this.#isGone) return;
    try {
      this.#outbox.push(frameFromLender(frame));
    } catch (error) {
      this.#options.onBroken(error instanceof Error ? error.message : String(error));
    }
  }

  #createOutbox(): Outbox {
    const { send, maxFrameBytes } = this.#options;
    return new Outbox({
      maxMessageBytes: this.#messageBytes,
      maxWaitingBytes: maxFrameBytes,
      send,
    });
  }
}
