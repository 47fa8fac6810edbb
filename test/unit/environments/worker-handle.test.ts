import { expect, it, vi } from "vitest";
import type { WorkerControl } from "../../../src/protocol/control.ts";
import { opening } from "../../../src/environments/worker-handle.ts";
import { SkepError } from "../../../src/errors.ts";

function setUp() {
  const stop = vi.fn();
  const worker = opening(
    {
      control: {} as WorkerControl,
      signals: undefined,
      post: () => {},
      keepAlive: () => {},
      stop,
    },
    ({ reason }) => new SkepError("unsupported-environment", `It could not start: ${reason}`),
  );
  return { ...worker, stop };
}

it("gives the handle to the owner once the worker is open", async () => {
  const { handle, opened, open, end, stop } = setUp();
  const onEnd = vi.fn();
  expect(open()).toBe(true);
  expect(await opened).toBe(handle);
  handle.onEnd = onEnd;
  // A second word of the same kind is none.
  expect(open()).toBe(false);
  end({ reason: "It exited." });
  end({ reason: "It exited again." });
  expect(onEnd).toHaveBeenCalledExactlyOnceWith({ reason: "It exited." });
  expect(stop).not.toHaveBeenCalled();
});

it("rejects, and ends the worker, when it ends before it is open", async () => {
  const { opened, end, stop } = setUp();
  end({ reason: "No such file." });
  end({ reason: "It exited." });
  await expect(opened).rejects.toMatchObject({
    code: "unsupported-environment",
    message: "It could not start: No such file.",
  });
  expect(stop).toHaveBeenCalledTimes(1);
});

it("tells nobody of an end that was asked for", async () => {
  const { handle, opened, open, end } = setUp();
  open();
  await opened;
  const onEnd = vi.fn();
  handle.onEnd = onEnd;
  await handle.terminate();
  end({ reason: "It exited." });
  expect(onEnd).not.toHaveBeenCalled();
});
