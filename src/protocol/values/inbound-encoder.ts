/** One encoding of host values in the engine's format, with links for what that cannot say. */
import { SkepError } from "../../errors.ts";
import { ByteWriter } from "../bytes.ts";
import type { Payload } from "../payload.ts";
import {
  brandOf,
  isDetached,
  isLost,
  isShared,
  isSlice,
  stateOf,
  viewName,
  withArticle,
} from "./brands.ts";
import {
  BUFFER_KEY,
  FIXED_LENGTH,
  FORMAT_VERSION,
  GuestTag,
  InboundMode,
  LinkKind,
  MAXIMUM_DEPTH,
  STANDARD_ERRORS,
  TYPED_ARRAYS,
} from "./guest-format.ts";
import {
  leastBytes,
  maximumLength,
  writeBigInt,
  writeNumber,
  writeString,
} from "./guest-leaves.ts";
import { type BesideSettings, BuffersBeside } from "./inbound-buffers.ts";
import { InboundLinks, type Kind } from "./inbound-links.ts";
import { type Key, nameOfPath, type Place, propertyName } from "./places.ts";
import { PropertyNames } from "./property-names.ts";

/** What an encoding is of. */
export interface InboundSettings extends BesideSettings {
  /** What paths in messages start with. */
  root: string;
  /** The array holds one value, and messages speak of that. */
  single?: boolean | undefined;
  /** The most bytes it may take, buffers included. */
  maximumBytes?: number | undefined;
}

export class InboundEncoder {
  readonly #settings: InboundSettings;
  readonly #maximumBytes: number;
  readonly #body = new ByteWriter(256);
  // These two are only made where there are objects.
  #names: PropertyNames | undefined;
  #places: Map<object, Place> | undefined;
  readonly #links = new InboundLinks();
  readonly #beside: BuffersBeside;
  #depth = 0;

  constructor(settings: InboundSettings) {
    this.#settings = settings;
    this.#beside = new BuffersBeside(settings);
    this.#maximumBytes = settings.maximumBytes ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Encodes an array.
   *
   * @throws SkepError `not-marshallable` or `input-exceeded`.
   */
  encode(values: readonly unknown[]): Payload {
    try {
      return this.#encode(values);
    } catch (cause) {
      if (cause instanceof SkepError) throw cause;
      // A getter or a Proxy of the caller's threw.
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `${this.#settings.root} cannot be read: ${reason}`;
      throw new SkepError("not-marshallable", message, { cause });
    }
  }

  #encode(values: readonly unknown[]): Payload {
    const body = this.#body;
    const root: Place = { holder: undefined, key: 0, namedIn: undefined, name: "" };
    this.#denseArray(values, root, undefined);
    const valuesEnd = body.length;
    // Encoding an entry may append further ones.
    const { apart } = this.#links;
    for (let index = 0; index < apart.length; index++) {
      const entry = apart[index];
      if (entry?.deep) this.#fromDeep(entry.values[0] as object, entry.deep);
      else if (entry) this.#denseArray(entry.values, entry.place, entry.names);
    }
    this.#admit(0);
    if (this.#links.length === 0)
      return this.#assemble(InboundMode.plain, body.bytes.subarray(0, body.length));
    const linked = new ByteWriter(body.length + this.#links.length * 4 + 16);
    linked.u8(GuestTag.array);
    linked.varint(3);
    linked.raw(body.bytes.subarray(0, valuesEnd));
    linked.u8(GuestTag.array);
    linked.varint(apart.length);
    linked.raw(body.bytes.subarray(valuesEnd, body.length));
    linked.u8(GuestTag.array);
    this.#links.write(linked);
    return this.#assemble(InboundMode.linked, linked.bytes.subarray(0, linked.length));
  }

  #assemble(mode: number, body: Uint8Array): Payload {
    const names = this.#names;
    this.#checkSize(body.length + this.#beside.byteCount + (names?.characters ?? 0));
    const out = new ByteWriter(body.length + 64);
    out.u8(mode);
    out.u8(FORMAT_VERSION);
    if (names) names.write(out);
    else out.varint(0);
    out.raw(body);
    const bytes = out.bytes.subarray(0, out.length);
    return { bytes, buffers: this.#beside.buffers };
  }

  /** Writes one value; `holder` and `key` say where it stands, `name` what messages call it there. */
  #value(value: unknown, holder: Place, key: Key, name: string | undefined): void {
    const body = this.#body;
    switch (typeof value) {
      case "string":
        this.#string(value);
        return;
      case "number":
        writeNumber(body, value);
        return;
      case "boolean":
        body.u8(value ? GuestTag.true : GuestTag.false);
        return;
      case "undefined":
        body.u8(GuestTag.undefined);
        return;
      case "bigint":
        if (writeBigInt(body, value)) return;
        throw this.#refusal({ holder, key, namedIn: holder, name }, "a BigInt of over 2**20 bits");
      case "object":
        if (value === null) body.u8(GuestTag.null);
        else this.#object(value, { holder, key, namedIn: holder, name });
        return;
      default:
        throw this.#refusal({ holder, key, namedIn: holder, name }, `a ${typeof value}`);
    }
  }

  #object(value: object, place: Place): void {
    const places = (this.#places ??= new Map());
    const known = places.get(value);
    if (known) {
      this.#link(place, LinkKind.same);
      this.#links.path(known);
      return;
    }
    if (++this.#depth > MAXIMUM_DEPTH) {
      throw this.#refusal(place, `nested more than ${MAXIMUM_DEPTH} levels deep`);
    }
    if (this.#depth % LEVELS_IN_PLACE === 0) places.set(value, this.#deeper(value, place));
    else {
      places.set(value, place);
      this.#content(value, place);
    }
    this.#depth--;
  }

  /** Leaves the place empty, and the object to be encoded apart. Returns where it will be. */
  #deeper(value: object, place: Place): Place {
    this.#link(place, LinkKind.same);
    const inside = this.#links.deepen(value, place, this.#depth);
    this.#links.path(inside);
    return inside;
  }

  #fromDeep(value: object, { place, depth }: { place: Place; depth: number }): void {
    this.#body.u8(GuestTag.array);
    this.#body.varint(1);
    this.#depth = depth;
    this.#content(value, place);
    this.#depth = 0;
  }

  #content(value: object, place: Place): void {
    this.#admit(0);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.#plainObject(value, place);
    else if (Array.isArray(value)) this.#array(value, place);
    else if (ArrayBuffer.isView(value)) this.#view(value, place);
    else this.#other(value, place);
  }

  #array(value: unknown[], place: Place): void {
    // The keys of an array that is far too long would take far more memory than the array.
    if (value.length > ELEMENTS_PER_CHECK) this.#admit(leastBytes(value));
    const keys = Object.keys(value);
    const { length } = value;
    // As many keys as elements means neither holes nor named properties, or both, and then the
    // last key is a name.
    if (
      keys.length === length &&
      (!value.includes(undefined) || keys[length - 1] === String(length - 1))
    ) {
      this.#denseArray(value, place, undefined);
      return;
    }
    const entries: unknown[] = [length];
    const names: string[] = ["length"];
    for (const key of keys) {
      entries.push(key, value[key as unknown as number]);
      names.push("", propertyName(key));
    }
    this.#apart(LinkKind.array, entries, place, names);
  }

  #denseArray(values: readonly unknown[], place: Place, names: string[] | undefined): void {
    const body = this.#body;
    body.u8(GuestTag.array);
    body.varint(values.length);
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if ((index & ELEMENTS_PER_CHECK) === ELEMENTS_PER_CHECK) this.#admit(values.length - index);
      // The common leaves are written here: a place per number would cost more than the number.
      if (typeof value === "number") writeNumber(body, value);
      else if (typeof value === "string") this.#string(value);
      else this.#value(value, place, index, names?.[index]);
    }
  }

  #plainObject(value: object, place: Place): void {
    const body = this.#body;
    body.u8(GuestTag.object);
    const countAt = body.length;
    body.u8(0);
    const names = (this.#names ??= new PropertyNames());
    const last = names.lastAt(this.#depth);
    let count = 0;
    // This loop is quicker than one over a list of the keys; what is inherited is passed over.
    for (const key in value) {
      if (!hasOwn.call(value, key)) continue;
      if (last.names[count] !== key) {
        last.names[count] = key;
        last.numbers[count] = names.numberOf(key);
      }
      body.varint(last.numbers[count] as number);
      count++;
      const member = (value as Record<string, unknown>)[key];
      if (typeof member === "number") writeNumber(body, member);
      else if (typeof member === "string") this.#string(member);
      else this.#value(member, place, key, undefined);
    }
    body.varintAt(countAt, count);
  }

  /** An object by its class; what has none of its own is its own enumerable properties. */
  #other(value: object, place: Place): void {
    const body = this.#body;
    const brand = brandOf(value);
    switch (brand) {
      case "Map": {
        const entries = [...(value as Map<unknown, unknown>)];
        const names = entries.flatMap((_, index) => [`.keys()[${index}]`, `.values()[${index}]`]);
        return this.#apart(LinkKind.map, entries.flat(1), place, names);
      }
      case "Set": {
        const members = [...(value as Set<unknown>)];
        const names = members.map((_, index) => `.values()[${index}]`);
        return this.#apart(LinkKind.set, members, place, names);
      }
      case "Date":
        body.u8(GuestTag.date);
        return writeNumber(body, stateOf(value, brand) as number);
      case "RegExp":
        return this.#link(
          place,
          LinkKind.regexp,
          (value as RegExp).source,
          (value as RegExp).flags,
        );
      case "Error":
        return this.#error(value as Error, place);
      case "ArrayBuffer":
        return this.#buffer(value as ArrayBuffer, place);
      case "Number":
      case "String":
      case "Boolean":
      case "BigInt":
        body.u8(GuestTag.boxed);
        return this.#value(stateOf(value, brand), place, 0, "");
      case undefined:
        return this.#plainObject(value, place);
      default:
        throw this.#refusal(place, withArticle(brand));
    }
  }

  #error(value: Error, place: Place): void {
    const name = STANDARD_ERRORS.has(String(value.name)) ? value.name : "Error";
    const message = String(value.message);
    const isSilent = message === "" && !Object.hasOwn(value, "message");
    const fields: unknown[] = [name, isSilent ? undefined : message];
    // The stack stays: it is the host's.
    if (Object.hasOwn(value, "cause")) fields.push(value.cause);
    this.#apart(LinkKind.error, fields, place, [".name", ".message", ".cause"]);
  }

  #view(value: ArrayBufferView, place: Place): void {
    if (isLost(value)) throw this.#refusal(place, "a view of a buffer that is no longer there");
    const name = viewName(value);
    if (name === "DataView") {
      this.#apart(LinkKind.dataView, [value.buffer, value.byteOffset, value.byteLength], place, [
        ".buffer",
        ".byteOffset",
        ".byteLength",
      ]);
      return;
    }
    const type = TYPED_ARRAYS.indexOf(name as (typeof TYPED_ARRAYS)[number]);
    if (type < 0) throw this.#refusal(place, `a ${name}`);
    const { length } = value as Uint8Array;
    const buffer: ArrayBufferLike = value.buffer;
    if (isShared(buffer)) throw this.#refusal(place, "a view of a SharedArrayBuffer");
    // Only the slice goes in.
    const isPooled = isSlice(value);
    const bytes = isPooled
      ? new Uint8Array(buffer, value.byteOffset, length)
      : new Uint8Array(buffer);
    const byteOffset = isPooled ? 0 : value.byteOffset;
    let known = isPooled ? undefined : this.#places?.get(buffer);
    if (known === undefined && this.#beside.takes(bytes, buffer)) {
      // The view needs its buffer to be somewhere: in a place of its own among what is apart.
      known = { holder: this.#links.nextEntry(), key: 0, namedIn: place, name: ".buffer" };
      this.#links.apart.push({ values: [null], place, names: undefined });
      this.#besideLink(known, bytes, isPooled ? undefined : buffer);
      if (!isPooled) this.#places?.set(buffer, known);
    }
    if (known) {
      this.#link(place, LinkKind.view, type, byteOffset, length);
      this.#links.path(known);
      return;
    }
    const body = this.#body;
    body.u8(GuestTag.typedArray);
    body.u8(type);
    body.varint(length);
    body.varint(byteOffset);
    if (!isPooled) {
      const holder: Place = { holder: place, key: BUFFER_KEY, namedIn: place, name: ".buffer" };
      this.#places?.set(buffer, holder);
    }
    this.#bufferBytes(bytes, isPooled ? FIXED_LENGTH : maximumLength(buffer));
  }

  #buffer(buffer: ArrayBuffer, place: Place): void {
    if (isDetached(buffer)) throw this.#refusal(place, "a detached ArrayBuffer");
    const bytes = new Uint8Array(buffer);
    if (!this.#beside.takes(bytes, buffer)) {
      this.#bufferBytes(bytes, maximumLength(buffer));
      return;
    }
    this.#body.u8(GuestTag.null);
    this.#besideLink(place, bytes, buffer);
  }

  #besideLink(place: Place, bytes: Uint8Array, whole: ArrayBuffer | undefined): void {
    this.#admit(bytes.length);
    this.#links.add(place, LinkKind.buffer, this.#beside.add(bytes, whole));
  }

  #bufferBytes(bytes: Uint8Array, maximum: number): void {
    this.#admit(bytes.length);
    const body = this.#body;
    body.u8(GuestTag.arrayBuffer);
    body.varint(bytes.length);
    body.varint(maximum);
    body.raw(bytes);
  }

  #string(value: string): void {
    if (value.length > LONG_STRING) this.#admit(value.length);
    writeString(this.#body, value);
  }

  /** Leaves the place empty, encodes `values` apart and links the two. */
  #apart(kind: Kind, values: unknown[], place: Place, names: string[]): void {
    this.#admit(0);
    this.#body.u8(GuestTag.null);
    this.#links.addApart(place, kind, values, names);
  }

  /** Leaves the place empty for a link to fill. */
  #link(place: Place, kind: Kind, ...fields: Key[]): void {
    this.#admit(0);
    this.#body.u8(GuestTag.null);
    this.#links.add(place, kind, ...fields);
  }

  /** Checks that `count` more bytes are allowed. */
  #admit(count: number): void {
    // A step of a link takes two bytes at least.
    const bytes = this.#body.length + this.#links.length * 2 + this.#beside.byteCount + count;
    this.#checkSize(bytes);
  }

  #checkSize(bytes: number): void {
    if (bytes <= this.#maximumBytes) return;
    throw new SkepError(
      "input-exceeded",
      `${this.#settings.root} take at least ${bytes} bytes, and ${this.#maximumBytes} are allowed: raise ` +
        "limits.bytesIn, or pass less.",
    );
  }

  #refusal(place: Place, what: string): SkepError {
    const path = nameOfPath(place);
    const { root, single } = this.#settings;
    const subject = root + (single === true ? path.replace("[0]", "") : path);
    return new SkepError(
      "not-marshallable",
      `${subject} is ${what}, which cannot enter a sandbox. Pass data: plain objects, arrays, Map, Set, Date, ` +
        "RegExp, Error, BigInt, buffers and their like.",
    );
  }
}

// Object.hasOwn() would take four times as long in the loop over the keys.
// oxlint-disable-next-line typescript/unbound-method -- only called with an object of its own
const hasOwn = Object.prototype.hasOwnProperty;

/**
 * The engine reads nested values by recursion, on a stack that is small where it is asyncify's: what
 * lies deeper is read apart, so many levels at a time.
 */
const LEVELS_IN_PLACE = 50;
/** All bits set: an array's bytes are looked at each time so many elements were written. */
const ELEMENTS_PER_CHECK = 0xfff;
/** Strings beyond this are checked against the limit before they are encoded. */
const LONG_STRING = 65_536;
