/** Runs something in a task of its own, as soon as the event loop has had its turn. */
export function nextTask(act: () => void): void {
  // Node's, which does not wait a millisecond and does not hold the process open by a port.
  const immediate = (globalThis as { setImmediate?: (act: () => void) => unknown }).setImmediate;
  if (immediate) {
    // Twice: what is set while a message is handled comes before the timers that are due.
    immediate(() => immediate(act));
    return;
  }
  // A browser's timers are clamped; a message is not.
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => {
    port2.close();
    act();
  };
  port1.postMessage(0);
}
