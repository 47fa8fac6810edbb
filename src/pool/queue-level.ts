/**
 * The waiting items of one priority. Tenants take turns, in rounds: in each, every tenant has one
 * item served. Who comes while a round is going on and has had no turn in it still takes part, and
 * so does not wait for the next item of somebody who was served already.
 */
import { LinkedList, type Linked } from "./linked-list.ts";

/** What can wait. */
export interface Queueable {
  /** Higher ones go first. */
  readonly priority: number;
  /** Whom the item belongs to. */
  readonly key: string | undefined;
  /** Where it waits; the queue's to set. A table beside the items would cost more than all else. */
  place: Place | undefined;
}

/** One waiting item. */
export interface Place extends Linked<Place> {
  readonly item: Queueable;
  readonly level: Level;
  /** Undefined for what goes before all tenants. */
  readonly tenant: Tenant | undefined;
}

/** The waiting items of one key, oldest first; never none of them. */
interface Tenant extends Linked<Tenant> {
  readonly key: string | undefined;
  readonly places: LinkedList<Place>;
  /** Where it waits for its turn. */
  round: LinkedList<Tenant>;
}

/**
 * Tenants that may join a round while it is going on. Without a bound, ever new keys could keep a
 * round from ending, and those of the next one waiting.
 */
const MAXIMUM_JOINED = 1_000;

export class Level {
  /** Those that wait. */
  readonly #tenants = new Map<string | undefined, Tenant>();
  /** Before all tenants, whose turn it is regardless. */
  readonly #again = new LinkedList<Place>();
  #round = new LinkedList<Tenant>();
  #next = new LinkedList<Tenant>();
  /** Keys that had their turn in this round and have nothing left that waits. */
  readonly #served = new Set<string | undefined>();
  #joined = 0;

  constructor(readonly priority: number) {}

  get isEmpty(): boolean {
    return this.#again.first === undefined && this.#tenants.size === 0;
  }

  /** What {@link take} would take. */
  get due(): Place | undefined {
    const tenant = this.#round.first ?? this.#next.first;
    return this.#again.first ?? tenant?.places.first;
  }

  append(item: Queueable): void {
    const tenant = this.#tenants.get(item.key) ?? this.#admit(item.key);
    tenant.places.append(this.#placeFor(item, tenant));
  }

  prepend(item: Queueable): void {
    this.#again.prepend(this.#placeFor(item, undefined));
  }

  take(): Place | undefined {
    const again = this.#again.first;
    if (again !== undefined) {
      this.#again.remove(again);
      return again;
    }
    if (this.#round.first === undefined) this.#beginRound();
    const tenant = this.#round.first;
    const place = tenant?.places.first;
    if (tenant === undefined || place === undefined) return undefined;
    tenant.places.remove(place);
    this.#round.remove(tenant);
    if (tenant.places.first === undefined) {
      this.#tenants.delete(tenant.key);
      // Where nobody waits any more there is nobody to be overtaken.
      if (this.#tenants.size > 0) this.#served.add(tenant.key);
    } else {
      tenant.round = this.#next;
      this.#next.append(tenant);
    }
    return place;
  }

  remove(place: Place): void {
    const { tenant } = place;
    if (tenant === undefined) {
      this.#again.remove(place);
      return;
    }
    tenant.places.remove(place);
    if (tenant.places.first !== undefined) return;
    // It takes its turn in the next round with it, so that coming back is no way to jump ahead.
    if (tenant.round === this.#next) this.#served.add(tenant.key);
    tenant.round.remove(tenant);
    this.#tenants.delete(tenant.key);
  }

  /** All items, in the order of the next round. */
  items(): Queueable[] {
    const tenants = [...this.#round.members(), ...this.#next.members()];
    const places = [this.#again, ...tenants.map((tenant) => tenant.places)];
    return places.flatMap((list) => list.members().map(({ item }) => item));
  }

  /** Forgets who had a turn: a round begins, or nothing waits. */
  reset(): void {
    this.#joined = 0;
    // Clearing what is empty is not free: it makes a new table.
    if (this.#served.size > 0) this.#served.clear();
  }

  #placeFor(item: Queueable, tenant: Tenant | undefined): Place {
    const place: Place = { item, level: this, tenant, previous: undefined, next: undefined };
    item.place = place;
    return place;
  }

  /** Gives a key that had nothing waiting its turn: in this round, unless it had one. */
  #admit(key: string | undefined): Tenant {
    const joins = this.#joined < MAXIMUM_JOINED && !this.#served.has(key);
    if (joins) this.#joined++;
    const round = joins ? this.#round : this.#next;
    const places = new LinkedList<Place>();
    const tenant: Tenant = { key, places, round, previous: undefined, next: undefined };
    round.append(tenant);
    this.#tenants.set(key, tenant);
    return tenant;
  }

  #beginRound(): void {
    const over = this.#round;
    this.#round = this.#next;
    this.#next = over;
    this.reset();
  }
}
