/** The host functions every torture pool has, and what they have seen. */
import type { HostCallContext, HostTable } from "skep";

export interface Desk {
  functions: HostTable;
  /** The arguments of every call of `host.take`. */
  taken: unknown[][];
  /** Calls of `host.hold` that wait for an answer, oldest first. */
  held: {
    resolve: (value: unknown) => void;
    reject: (error: unknown) => void;
    signal: AbortSignal;
  }[];
  /** Resolves with the next call of `host.hold`. */
  nextHeld(): Promise<void>;
  clear(): void;
}

export function openDesk(): Desk {
  const waiting: (() => void)[] = [];
  const desk: Desk = {
    taken: [],
    held: [],
    nextHeld: () => new Promise((resolve) => waiting.push(resolve)),
    clear() {
      desk.taken.length = 0;
      desk.held.length = 0;
      waiting.length = 0;
    },
    functions: {
      echo: (...values: unknown[]) => values,
      one: (value: unknown) => value,
      take: (...values: unknown[]) => desk.taken.push(values),
      hold(this: HostCallContext) {
        const { signal } = this;
        return new Promise((resolve, reject) => {
          desk.held.push({ resolve, reject, signal });
          for (const heard of waiting.splice(0)) heard();
        });
      },
      fail: () => {
        throw Object.assign(new RangeError("refused by the host"), {
          code: "E_HOST",
          secret: () => "a function of the host",
          path: { deep: [1] },
          cause: new Error("the host's own cause"),
        });
      },
      // A thenable is data to the host as it is to the guest.
      // oxlint-disable-next-line unicorn/no-thenable
      thenable: () => ({ then: 1, value: 2 }),
      many: { fn: () => 1, maxCallsPerRun: 100 },
      gated: { fn: async () => 1, concurrency: 2 },
      quick: { fn: () => new Promise(() => {}), timeoutMs: 20 },
      tree: { branch: { leaf: () => "leaf" } },
    },
  };
  return desk;
}
