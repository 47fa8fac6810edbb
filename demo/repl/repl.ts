/** The REPL: sessions of the pool behind tabs, each with its transcript and its time-line. */
import type { Pool, PoolEvents } from "skep";
import { byId, create, setText } from "../dom.ts";
import { bytes, milliseconds } from "../format.ts";
import { describeError } from "../output.ts";
import type { PoolHost } from "../pool-host.ts";
import { runLimits } from "../settings.ts";
import { markSelected, placeReachedBy } from "../tabs.ts";
import { ConsoleOfRuns } from "./console-of-runs.ts";
import { createInput, type Input } from "./input.ts";
import { LiveSession, type Surroundings } from "./live-session.ts";
import { RunTimeline } from "./run-timeline.ts";
import type { RunNode } from "./run-tree.ts";
import { offerFile } from "../saved-file.ts";
import { Transcript } from "./transcript.ts";

const buttons = {
  run: byId("repl-run", HTMLButtonElement),
  fork: byId("repl-fork", HTMLButtonElement),
  save: byId("repl-save", HTMLButtonElement),
  end: byId("repl-end", HTMLButtonElement),
  stop: byId("repl-stop", HTMLButtonElement),
  new: byId("repl-new", HTMLButtonElement),
  load: byId("repl-load", HTMLButtonElement),
};
const file = byId("repl-file", HTMLInputElement);
const tabList = byId("repl-tabs", HTMLElement);
const panel = byId("repl-panel", HTMLElement);
const summary = byId("repl-summary", HTMLElement);
const stateNote = byId("repl-state", HTMLElement);

export class Repl {
  readonly #host: PoolHost;
  readonly #surroundings: Surroundings;
  readonly #console: ConsoleOfRuns;
  readonly #transcript: Transcript;
  readonly #timeline: RunTimeline;
  readonly #input: Input;
  #sessions: LiveSession[] = [];
  #shown: LiveSession | undefined;
  #isOpen = false;
  #isBeginning = false;
  #runsSoFar = 0;
  #sessionsSoFar = 0;

  /** `onRun` is called after every run. */
  constructor(host: PoolHost, onRun: () => void) {
    this.#host = host;
    this.#transcript = new Transcript(byId("transcript", HTMLElement));
    this.#console = new ConsoleOfRuns((node) => this.#transcript.update(node));
    this.#surroundings = {
      pool: () => this.#host.pool,
      nextRunNumber: () => ++this.#runsSoFar,
      onBegin: (filename, node) => this.#console.begin(filename, node),
      onEnd: (filename) => {
        this.#console.end(filename);
        onRun();
      },
      timeoutMs: () => runLimits().timeoutMs,
      onChange: (session) => this.#changed(session),
    };
    this.#timeline = new RunTimeline(byId("timeline", HTMLElement), (node) => this.#goTo(node));
    this.#input = createInput(byId("repl-input", HTMLElement), {
      run: (source) => this.#run(source),
      inputs: () => this.#shown?.inputs ?? [],
    });
    this.#setUpButtons();
    this.#changed();
  }

  /** The REPL is seen: from now on there is a session. */
  open(): void {
    this.#isOpen = true;
    this.#transcript.scrollToEnd();
    if (this.#host.pool !== undefined && this.#sessions.length === 0) this.#begin();
  }

  /** Another pool: the sessions go on in it, with their last states. */
  onPool(pool: Pool): void {
    this.#console.watch(pool);
    for (const name of ["session-hibernated", "session-woken", "session-ended"] as const) {
      pool.on(name, () => this.#changed(this.#shown));
    }
    if (this.#isOpen && this.#sessions.length === 0) this.#begin();
    for (const session of this.#sessions) {
      if (session.state === "ended" && !session.wasEnded) {
        this.#report(session, session.moveToNewPool(), () => "It goes on in the new pool.");
      }
    }
  }

  /** False when the line is of no run of the REPL. */
  logged(event: PoolEvents["console"]): boolean {
    return this.#console.logged(event);
  }

  #begin(image?: Uint8Array, from = ""): void {
    if (this.#isBeginning) return;
    this.#isBeginning = true;
    const began = performance.now();
    const { memoryBytes } = runLimits();
    const label = `Session ${this.#sessionsSoFar + 1}`;
    const beginning = LiveSession.begin(label, this.#surroundings, memoryBytes, image);
    this.#report(
      undefined,
      beginning.finally(() => (this.#isBeginning = false)),
      (session) => {
        this.#add(session);
        return `${label} began ${from}in ${milliseconds(performance.now() - began)}.`;
      },
    );
  }

  #add(session: LiveSession): void {
    this.#sessionsSoFar++;
    this.#sessions.push(session);
    this.#show(session);
  }

  #show(session: LiveSession): void {
    if (this.#shown !== undefined) this.#shown.draft = this.#input.source;
    this.#shown = session;
    this.#say(`${session.label}.`);
    this.#input.replace(session.draft);
    this.#showTabs();
    this.#changed(session);
  }

  #run(source: string): void {
    const session = this.#shown;
    if (session === undefined) return;
    this.#report(session, session.run(source), (node) => conclusionOf(node));
  }

  #goTo(node: RunNode): void {
    const session = this.#shown;
    if (session === undefined) return;
    const began = performance.now();
    const where = node.number === 0 ? "the start" : `run ${node.number}`;
    this.#report(
      session,
      session.goTo(node),
      () => `Back at ${where}, in ${milliseconds(performance.now() - began)}.`,
    );
  }

  #fork(): void {
    const session = this.#shown;
    if (session === undefined) return;
    const label = `Session ${this.#sessionsSoFar + 1}`;
    const began = performance.now();
    this.#report(undefined, session.fork(label), (fork) => {
      const took = milliseconds(performance.now() - began);
      this.#add(fork);
      return `${label} was forked from ${session.label} in ${took}. They go separate ways from here.`;
    });
  }

  #save(): void {
    const session = this.#shown;
    if (session === undefined) return;
    const name = `${session.label.toLowerCase().replace(" ", "-")}-run-${session.current.number}.skep`;
    this.#report(session, session.image(), (image) => {
      offerFile(name, image);
      return `Saved as ${name}, ${bytes(image.length)}.`;
    });
  }

  async #load(): Promise<void> {
    const [chosen] = file.files ?? [];
    // Or choosing the same again would be no change.
    const { name } = chosen ?? { name: "" };
    const image = chosen && new Uint8Array(await chosen.arrayBuffer());
    file.value = "";
    if (image !== undefined) this.#begin(image, `from ${name} `);
  }

  #end(): void {
    const session = this.#shown;
    if (session === undefined) return;
    if (!session.wasEnded) {
      const hint = "A click on one of its runs revives it.";
      this.#report(session, session.end(), () => `${session.label} has ended. ${hint}`);
      return;
    }
    const place = this.#sessions.indexOf(session);
    this.#sessions.splice(place, 1);
    const next = this.#sessions[place] ?? this.#sessions.at(-1);
    if (next === undefined) this.#begin();
    else this.#show(next);
  }

  /** Says how something went: of a session while it is seen, but a failure in any case. */
  #report<Result>(
    session: LiveSession | undefined,
    doing: Promise<Result>,
    toText: (result: Result) => string,
  ): void {
    void doing.then(
      (result) => {
        const text = toText(result);
        if (session === undefined || session === this.#shown) this.#say(text);
      },
      (error: unknown) => {
        const { code, message } = describeError(error);
        const whose = session === undefined || session === this.#shown ? "" : `${session.label}: `;
        this.#say(`${whose}${code}: ${message}`, true);
      },
    );
  }

  #say(text: string, isBad = false): void {
    setText(summary, text);
    summary.classList.toggle("bad", isBad);
  }

  #changed(session?: LiveSession): void {
    if (session !== this.#shown) return;
    const isEnded = session === undefined || session.state === "ended";
    for (const button of [buttons.run, buttons.fork, buttons.save]) button.disabled = isEnded;
    buttons.stop.disabled = session === undefined || !session.isBusy;
    buttons.end.disabled = session === undefined;
    setText(buttons.end, session?.wasEnded === true ? "Remove" : "End");
    setText(stateNote, session === undefined ? "" : stateOf(session));
    if (session === undefined) return;
    this.#transcript.show(session.current);
    this.#timeline.show(session);
  }

  #showTabs(): void {
    const tabs = this.#sessions.map((session, index) => {
      const tab = create("button", "", session.label);
      tab.type = "button";
      tab.id = `repl-tab-${index}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      tab.addEventListener("click", () => this.#showAt(index));
      tab.addEventListener("keydown", (event) => {
        const reached = placeReachedBy(event.key, index, this.#sessions.length);
        if (reached === undefined) return;
        event.preventDefault();
        this.#showAt(reached);
      });
      return tab;
    });
    const selected = this.#shown === undefined ? -1 : this.#sessions.indexOf(this.#shown);
    tabList.replaceChildren(...tabs);
    markSelected(tabs, selected);
    panel.setAttribute("aria-labelledby", `repl-tab-${selected}`);
  }

  #showAt(index: number): void {
    const session = this.#sessions[index];
    if (session === undefined) return;
    this.#show(session);
    (tabList.children[index] as HTMLElement | undefined)?.focus();
  }

  #setUpButtons(): void {
    buttons.run.addEventListener("click", () => this.#input.submit());
    buttons.fork.addEventListener("click", () => this.#fork());
    buttons.save.addEventListener("click", () => this.#save());
    buttons.end.addEventListener("click", () => this.#end());
    buttons.stop.addEventListener("click", () => this.#shown?.stop());
    buttons.new.addEventListener("click", () => this.#begin());
    buttons.load.addEventListener("click", () => file.click());
    file.addEventListener("change", () => void this.#load());
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "." || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#shown?.stop();
    });
  }
}

function conclusionOf({ number, outcome, isRolledBack }: RunNode): string {
  if (outcome === undefined) return "";
  const took = milliseconds(outcome.receipt.wallMs);
  // What it returned cannot leave the sandbox, but it did what it did.
  if (outcome.ok || outcome.error.code === "not-marshallable")
    return `Run ${number} returned in ${took}.`;
  const undone = isRolledBack ? " The session is what it was before." : "";
  return `Run ${number}: ${outcome.error.code} after ${took}.${undone}`;
}

function stateOf(session: LiveSession): string {
  if (session.state !== "active") return session.state;
  return `active on worker ${session.workerId}`;
}
