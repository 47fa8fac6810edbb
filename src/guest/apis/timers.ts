/**
 * Guest source: setTimeout, clearTimeout, setInterval, clearInterval. The list of timers is the
 * guest's, so an image takes it back with everything else; the host only knows when the earliest is
 * due. Timers run one at a time, with the promise jobs of each before the next.
 */
export const TIMERS: string = /* js */ `
  let firstTimer = null;
  let lastTimer = null;
  let lastTimerId = 0;
  let armedFor = -1;
  function arm() {
    const due = firstTimer === null ? -1 : firstTimer.due;
    if (due === armedFor) return;
    armedFor = due;
    const wait = due - now();
    // What is overdue is not what is off.
    host(1, due < 0 ? -1 : wait > 0 ? wait : 0);
  }
  function insertTimer(timer) {
    let before = null;
    let after = firstTimer;
    // Most are due after all others.
    if (after !== null && lastTimer.due <= timer.due) { before = lastTimer; after = null; }
    while (after !== null && after.due <= timer.due) { before = after; after = after.next; }
    timer.next = after;
    if (after === null) lastTimer = timer;
    if (before === null) firstTimer = timer;
    else before.next = timer;
  }
  function addTimer(callback, delay, args, repeats) {
    if (typeof callback !== "function") throw new TypeError("The callback must be a function.");
    let wait = +delay;
    wait = wait >= 1 && wait <= 2147483647 ? floor(wait) : repeats ? 1 : 0;
    const timer = { __proto__: null, id: ++lastTimerId, callback, args, wait, repeats, due: now() + wait, next: null };
    insertTimer(timer);
    arm();
    return timer.id;
  }
  function removeTimer(id) {
    const wanted = +id;
    let before = null;
    for (let timer = firstTimer; timer !== null; before = timer, timer = timer.next) {
      if (timer.id !== wanted) continue;
      if (before === null) firstTimer = timer.next;
      else before.next = timer.next;
      if (timer.next === null) lastTimer = before;
      arm();
      return;
    }
  }
  // Called by the host: runs the first timer that is due, returns whether the next was due as well.
  // Where all are to be forgotten it runs none.
  function runTimer(forgets) {
    if (forgets) firstTimer = null;
    armedFor = -1;
    const timer = firstTimer;
    const began = now();
    if (timer === null || timer.due > began) { arm(); return false; }
    firstTimer = timer.next;
    if (timer.repeats) {
      timer.due = began + timer.wait;
      insertTimer(timer);
    }
    try { apply(timer.callback, undefined, timer.args); } finally { arm(); }
    return firstTimer !== null && firstTimer.due <= began;
  }
  define(globalThis, "setTimeout", function setTimeout(callback, delay = 0, ...args) {
    return addTimer(callback, delay, args, false);
  }, false);
  define(globalThis, "setInterval", function setInterval(callback, delay = 0, ...args) {
    return addTimer(callback, delay, args, true);
  }, false);
  define(globalThis, "clearTimeout", function clearTimeout(id = 0) { removeTimer(id); }, false);
  define(globalThis, "clearInterval", function clearInterval(id = 0) { removeTimer(id); }, false);
`;
