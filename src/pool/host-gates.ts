/** Host functions that only so many calls may be in at once: who is in, and who is next. */

/** Whoever's turn it is: calls with a key take turns by key, all others by run. */
export type Turn = object | string;

/** Gives a place back; a second time it does nothing. */
export type Leave = () => void;

interface Gate {
  places: number;
  taken: number;
  /** Who waits, in rounds: whoever was served goes to the end. */
  waiting: Map<Turn, Set<() => void>>;
}

/** The places in the functions that have `concurrency`, by name, in one pool. */
export class HostGates {
  readonly #gates = new Map<string, Gate>();

  /** Takes a place at once; undefined when there is none, or when others wait for one. */
  tryEnter(name: string, places: number): Leave | undefined {
    const gate = this.#gate(name, places);
    if (gate.waiting.size > 0 || gate.taken >= gate.places) return undefined;
    gate.taken++;
    return this.#leaving(name, gate);
  }

  /** Waits for a place. `onGiveUp` is handed what ends the waiting: then it resolves with nothing. */
  async enter(
    name: string,
    places: number,
    turn: Turn,
    onGiveUp: (giveUp: () => void) => void,
  ): Promise<Leave | undefined> {
    const gate = this.#gate(name, places);
    const isIn = await new Promise<boolean>((resolve) => {
      const proceed = (): void => resolve(true);
      let sameTurn = gate.waiting.get(turn);
      if (sameTurn === undefined) gate.waiting.set(turn, (sameTurn = new Set()));
      sameTurn.add(proceed);
      onGiveUp(() => {
        resolve(false);
        if (sameTurn.delete(proceed) && sameTurn.size === 0) gate.waiting.delete(turn);
        this.#forget(name, gate);
      });
      // Where it was defined anew with more places, some are free.
      admit(gate);
    });
    return isIn ? this.#leaving(name, gate) : undefined;
  }

  #gate(name: string, places: number): Gate {
    let gate = this.#gates.get(name);
    if (gate === undefined)
      this.#gates.set(name, (gate = { places, taken: 0, waiting: new Map() }));
    gate.places = places;
    return gate;
  }

  #leaving(name: string, gate: Gate): Leave {
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      gate.taken--;
      admit(gate);
      this.#forget(name, gate);
    };
  }

  #forget(name: string, gate: Gate): void {
    if (gate.taken === 0 && gate.waiting.size === 0) this.#gates.delete(name);
  }
}

function admit(gate: Gate): void {
  for (const [turn, sameTurn] of gate.waiting) {
    if (gate.taken >= gate.places) return;
    gate.waiting.delete(turn);
    const [proceed] = sameTurn;
    if (proceed === undefined) continue;
    sameTurn.delete(proceed);
    // Visited again by this loop, after all others.
    if (sameTurn.size > 0) gate.waiting.set(turn, sameTurn);
    gate.taken++;
    proceed();
  }
}
