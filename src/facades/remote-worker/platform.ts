/** What a platform brings for lending its workers. Only `index*` put one together. */
import type { Environment } from "../../environments/contract.ts";
import type { EngineName } from "../../protocol/control.ts";

export interface LendingPlatform {
  readonly environments: Readonly<Record<string, Environment>>;
  /** Where workers run unless the options say otherwise. */
  readonly defaultEnvironment: string;
  loadEngine(engine: EngineName): Promise<WebAssembly.Module>;
  /** Workers that are lent unless the options say otherwise. */
  readonly cores: number;
  /** Opens a WebSocket. Rejects when the platform has none. */
  openSocket(url: string, listener: SocketListener): Promise<LenderSocket>;
  /** Calls a listener when the page goes. Returns how to stop that. */
  onGone?(listener: () => void): () => void;
  /** Calls a listener in place of ending when the process is asked to end. Returns how to stop that. */
  onAskedToEnd?(listener: () => void): () => void;
}

/** Who is told what happens to a WebSocket. Nothing follows `onClose`. */
export interface SocketListener {
  onOpen(): void;
  onText(text: string): void;
  onBinary(bytes: Uint8Array): void;
  /** The code is 1006 where there was no close frame. */
  onClose(code: number, reason: string): void;
}

export interface LenderSocket {
  sendText(text: string): void;
  /** Calls `written` later, when the bytes have left this process or never will. */
  sendBinary(bytes: Uint8Array<ArrayBuffer>, written: () => void): void;
  close(code: number, reason: string): void;
  /** Ends it without a word. */
  cut(): void;
}
