// Timers and top-level await: two failures, then an answer, with a growing pause between them.
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let attempts = 0;
function flaky() {
  attempts++;
  if (attempts < 3) throw new Error("not yet");
  return "settled";
}

async function retry(task, pauseMs) {
  try {
    return task();
  } catch {
    await sleep(pauseMs);
    return retry(task, pauseMs * 2);
  }
}

export default { answer: await retry(flaky, 5), attempts };
