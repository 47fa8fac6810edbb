import { expect, it } from "vitest";
import { BatchSender } from "../../../src/protocol/batch-sender.ts";

function setUp() {
  const batches: number[][] = [];
  const sender = new BatchSender<number>(
    (writer, message) => writer.u8(message),
    ({ bytes }) => batches.push(Array.from(bytes)),
  );
  return { sender, batches };
}

it("sends what is said in one turn as one batch, after it", async () => {
  const { sender, batches } = setUp();
  sender.send(1);
  sender.send(2);
  expect(batches).toEqual([]);
  await Promise.resolve();
  expect(batches).toEqual([[1, 2]]);
  sender.send(3);
  await Promise.resolve();
  expect(batches).toEqual([[1, 2], [3]]);
});

it("sends nothing a second time that was flushed before the turn's end", async () => {
  const { sender, batches } = setUp();
  sender.send(1);
  sender.flush();
  expect(batches).toEqual([[1]]);
  await Promise.resolve();
  sender.flush();
  expect(batches).toEqual([[1]]);
});

it("waits for a flush while somebody is about to", async () => {
  const { sender, batches } = setUp();
  sender.isHeld = true;
  sender.send(1);
  await Promise.resolve();
  expect(batches).toEqual([]);
  sender.flush();
  expect(batches).toEqual([[1]]);
});

it("sends nothing after its end", async () => {
  const { sender, batches } = setUp();
  sender.send(1);
  sender.stop();
  sender.send(2);
  sender.flush();
  await Promise.resolve();
  expect(batches).toEqual([]);
});
