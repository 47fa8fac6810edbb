import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { NO_BUFFERS } from "../../../src/protocol/payload.ts";
import type { Cell } from "../../../src/guest/cell.ts";
import { CellSupply } from "../../../src/guest/cell-supply.ts";
import type { Cells } from "../../../src/guest/cells.ts";
import { Run } from "../../../src/guest/run.ts";

const LIMITS = {
  timeoutMs: 0,
  endsAt: 0,
  cpuMs: 0,
  gas: 0,
  memoryBytes: 1_000_000,
  stackBytes: 1,
  hostCalls: 0,
  bytesIn: 0,
  bytesOut: 0,
  consoleBytes: 0,
};
const RUN = new Run(1, 0, LIMITS, {
  type: "function",
  functionId: 1,
  args: { bytes: new Uint8Array(), buffers: NO_BUFFERS },
});

/** Cells of a platform that has memory, or not. */
class ScriptedCells {
  hasMemory = true;
  takenCount = 0;
  makings = 0;
  isFull = false;
  readonly image = {};
  readonly free: Cell[] = [];
  readonly released: Cell[] = [];

  take(): Cell | undefined {
    return this.free.pop();
  }

  takeOver(): Cell | undefined {
    return undefined;
  }

  async make(): Promise<Cell> {
    this.makings++;
    if (!this.hasMemory) throw new RangeError("could not allocate memory");
    return { runs: new Set(), image: this.image } as unknown as Cell;
  }

  keep(cell: Cell): void {
    this.free.push(cell);
  }

  release(cell: Cell): void {
    this.released.push(cell);
  }

  dropFree(): void {
    this.free.length = 0;
  }
}

function supplyOf(cells: ScriptedCells, isolation: "call" | "worker" = "call") {
  const settings = { cells: cells as unknown as Cells, isolation, memoryBytes: 1 };
  const supply = new CellSupply(settings);
  supply.onCell = vi.fn();
  supply.onFailure = vi.fn();
  return supply;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("makes one cell at a time, and says when it is there", async () => {
  const cells = new ScriptedCells();
  const supply = supplyOf(cells);
  expect(supply.cellFor(RUN)).toBeUndefined();
  expect(supply.cellFor(RUN)).toBeUndefined();
  expect(cells.makings).toBe(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(supply.onCell).toHaveBeenCalledTimes(1);
  expect(supply.cellFor(RUN)).toBeDefined();
});

it("gives everybody the same cell where it is shared, and a new one once the image has changed", async () => {
  const cells = new ScriptedCells();
  const supply = supplyOf(cells, "worker");
  supply.cellFor(RUN);
  await vi.advanceTimersByTimeAsync(0);
  const cell = supply.cellFor(RUN) as Cell;
  expect(supply.cellFor(RUN)).toBe(cell);
  expect(supply.isShared(cell)).toBe(true);
  supply.renewShared();
  expect(cells.released).toEqual([]);
  Object.assign(cell, { image: {} });
  cell.runs.add(RUN);
  supply.renewShared();
  expect(supply.isShared(cell)).toBe(true);
  cell.runs.delete(RUN);
  supply.renewShared();
  expect(cells.released).toEqual([cell]);
  expect(supply.cellFor(RUN)).toBeUndefined();
});

it("tries again for a while when there is no memory, before runs fail for it", async () => {
  const cells = new ScriptedCells();
  cells.hasMemory = false;
  const supply = supplyOf(cells);
  supply.onCell = vi.fn(() => void supply.cellFor(RUN));
  supply.cellFor(RUN);
  await vi.advanceTimersByTimeAsync(999);
  expect(supply.onFailure).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(cells.makings).toBe(11);
  expect(supply.onFailure).toHaveBeenCalledExactlyOnceWith({
    code: "worker-lost",
    message: "No sandbox could be made: could not allocate memory",
  });
});

it("waits for a cell in use when there is no memory for another", async () => {
  const cells = new ScriptedCells();
  cells.hasMemory = false;
  cells.takenCount = 1;
  const supply = supplyOf(cells);
  supply.cellFor(RUN);
  await vi.advanceTimersByTimeAsync(10_000);
  supply.cellFor(RUN);
  expect(cells.makings).toBe(1);
  expect(supply.onFailure).not.toHaveBeenCalled();
  supply.noteLeft();
  cells.hasMemory = true;
  supply.cellFor(RUN);
  await vi.advanceTimersByTimeAsync(0);
  expect(supply.onCell).toHaveBeenCalledTimes(1);
});

it("tells nobody of a cell that comes after the end", async () => {
  const cells = new ScriptedCells();
  const supply = supplyOf(cells);
  supply.cellFor(RUN);
  supply.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(supply.onCell).not.toHaveBeenCalled();
});
