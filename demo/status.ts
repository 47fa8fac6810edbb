/** The strip below the title: which pool there is, or why there is none and what to do. */
import { byId, setText } from "./dom.ts";
import { milliseconds, plural } from "./format.ts";
import { describeError } from "./output.ts";
import type { HostState, PoolChoice } from "./pool-host.ts";

const strip = byId("status", HTMLElement);
const title = byId("status-title", HTMLElement);
const detail = byId("status-detail", HTMLElement);
const action = byId("status-action", HTMLButtonElement);

export interface StatusActions {
  useWebWorkers(): void;
  tryAgain(): void;
}

let act: (() => void) | undefined;
action.addEventListener("click", () => act?.());

export function showStatus(state: HostState, actions: StatusActions): void {
  act = undefined;
  let tone: string = state.state;
  if (state.state === "starting") {
    write("Starting the pool …", "");
  } else if (state.state === "failed") {
    const { code, message } = describeError(state.error);
    write(`The pool did not start: ${code}`, message);
    offer("Try again", () => actions.tryAgain());
  } else {
    const { pool, choice, startMs } = state;
    const threads = plural(pool.stats().workers.total, "worker");
    const started = `started in ${milliseconds(startMs)}`;
    if (isFallback(choice)) {
      tone = "warning";
      write(
        "Not cross-origin isolated: running in the page's own thread",
        `1 worker in-thread, ${started}. The page stands still while guest code runs. Serve it ` +
          "with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: " +
          "require-corp, or use Web Workers without SharedArrayBuffer.",
      );
      offer("Use Web Workers", () => actions.useWebWorkers());
    } else {
      const memory = crossOriginIsolated ? "with" : "without";
      const where =
        choice.environment === "in-thread"
          ? "in the page's own thread, which stands still while guest code runs"
          : `in Web Workers, ${memory} SharedArrayBuffer`;
      write(
        `${threads} ready`,
        `${crossOriginIsolated ? "Cross-origin isolated" : "Not cross-origin isolated"}; ` +
          `sandboxes run ${where}; ${started}.`,
      );
    }
  }
  strip.dataset["state"] = tone;
  action.hidden = act === undefined;
}

/** Whether "auto" had to do without threads. */
function isFallback({ environment }: PoolChoice): boolean {
  return environment === "auto" && !crossOriginIsolated;
}

function write(heading: string, text: string): void {
  setText(title, heading);
  setText(detail, text);
}

function offer(label: string, onClick: () => void): void {
  act = onClick;
  setText(action, label);
}
