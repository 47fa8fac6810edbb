// Rewrites an engine so that it notes which pages of its memory it writes: a sandbox is then made
// new by copying back those pages alone, however large its image is (src/guest/written-pages.ts).
// Guest code runs 5 to 15 % slower in it, so only sandboxes with large images use it.
//
// After every store comes `table[address >>> 12] = 1`, and a loop of that after every bulk store.

/** Where the table is: below the stack, in memory that the engine never uses. */
const TABLE = 0x40000;
const PAGE_SHIFT = 12;

const I32 = 0x7f;
const I64 = 0x7e;
const F32 = 0x7d;
const F64 = 0x7c;
/** @type {Record<number, { type: number, bytes: number }>} */
const STORES = {
  0x36: { type: I32, bytes: 4 },
  0x37: { type: I64, bytes: 8 },
  0x38: { type: F32, bytes: 4 },
  0x39: { type: F64, bytes: 8 },
  0x3a: { type: I32, bytes: 1 },
  0x3b: { type: I32, bytes: 2 },
  0x3c: { type: I64, bytes: 1 },
  0x3d: { type: I64, bytes: 2 },
  0x3e: { type: I64, bytes: 4 },
};
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;

/**
 * @param {Uint8Array} wasm
 * @returns {Buffer}
 */
export function trackWrites(wasm) {
  const input = new Reader(wasm);
  /** @type {Uint8Array[]} */
  const output = [wasm.subarray(0, 8)];
  /** @type {number[]} how many parameters each type of function has */
  let parameters = [];
  /** @type {number[]} */
  let functionTypes = [];
  input.at = 8;
  while (input.at < wasm.length) {
    const id = input.byte();
    const size = input.number();
    const start = input.at;
    const end = start + size;
    let body = wasm.subarray(start, end);
    if (id === 1) parameters = readTypes(input);
    if (id === 3) functionTypes = input.list(() => input.number());
    if (id === 10) {
      let index = 0;
      const bodies = input.list(() =>
        rewriteFunction(input, parameters[functionTypes[index++] ?? 0] ?? 0),
      );
      body = Buffer.concat([Uint8Array.from(unsigned(bodies.length)), ...bodies]);
    }
    output.push(Uint8Array.from([id, ...unsigned(body.length)]), body);
    input.at = end;
  }
  return Buffer.concat(output);
}

/** @param {Reader} input */
function readTypes(input) {
  return input.list(() => {
    input.byte();
    const count = input.list(() => input.byte()).length;
    input.list(() => input.byte());
    return count;
  });
}

/**
 * @param {Reader} input
 * @param {number} parameterCount
 * @returns {Buffer}
 */
function rewriteFunction(input, parameterCount) {
  const size = input.number();
  const end = input.at + size;
  const groupsFrom = input.at;
  let localCount = parameterCount;
  const groupCount = input.list(() => {
    localCount += input.number();
    input.byte();
  }).length;
  const groups = input.bytes.subarray(groupsFrom + unsigned(groupCount).length, input.at);
  const address = unsigned(localCount);
  /** @type {Record<number, number[]>} */
  const values = {
    [I32]: unsigned(localCount + 1),
    [I64]: unsigned(localCount + 2),
    [F32]: unsigned(localCount + 3),
    [F64]: unsigned(localCount + 4),
  };
  const count = unsigned(localCount + 5);
  const added = [1, I32, 1, I32, 1, I64, 1, F32, 1, F64, 1, I32];

  /** @type {Uint8Array[]} */
  const code = [];
  let copied = input.at;
  /** @param {number} upTo @param {number[]} replacement */
  function replace(upTo, replacement) {
    code.push(input.bytes.subarray(copied, upTo), Uint8Array.from(replacement));
    copied = input.at;
  }
  while (input.at < end) {
    const at = input.at;
    const { store, bulk } = input.instruction();
    const own = [...input.bytes.subarray(at, input.at)];
    if (store !== undefined) {
      const { type, bytes } = STORES[store.opcode] ?? { type: I32, bytes: 1 };
      const value = values[type] ?? [];
      const marks = mark(address, store.offset);
      // What is not aligned may reach into the next page.
      if (1 << store.alignment < bytes) marks.push(...mark(address, store.offset + bytes - 1));
      replace(at, [0x21, ...value, 0x22, ...address, 0x20, ...value, ...own, ...marks]);
    } else if (bulk) {
      const value = values[I32] ?? [];
      const operands = [0x21, ...count, 0x21, ...value, 0x22, ...address];
      operands.push(0x20, ...value, 0x20, ...count);
      replace(at, [...operands, ...own, ...markRange(address, count)]);
    }
  }
  code.push(input.bytes.subarray(copied, end));
  const isChanged = code.length > 1;
  const head = isChanged
    ? [...unsigned(groupCount + added.length / 2), ...groups, ...added]
    : [...unsigned(groupCount), ...groups];
  const body = Buffer.concat([Uint8Array.from(head), ...code]);
  return Buffer.concat([Uint8Array.from(unsigned(body.length)), body]);
}

/** `table[(address + offset) >>> 12] = 1` @param {number[]} address @param {number} offset */
function mark(address, offset) {
  const sum = offset === 0 ? [] : [0x41, ...signed(offset | 0), 0x6a];
  return [0x20, ...address, ...sum, 0x41, PAGE_SHIFT, 0x76, 0x41, 1, 0x3a, 0, ...unsigned(TABLE)];
}

/**
 * if (count) { last = (address + count - 1) >>> 12; page = address >>> 12;
 *   do { table[page] = 1 } while (++page <= last) }
 * @param {number[]} address
 * @param {number[]} count
 */
function markRange(address, count) {
  const skipEmpty = [0x02, 0x40, 0x20, ...count, 0x45, 0x0d, 0];
  const last = [0x20, ...address, 0x20, ...count, 0x6a, 0x41, 1, 0x6b];
  last.push(0x41, PAGE_SHIFT, 0x76, 0x21, ...count);
  const first = [0x20, ...address, 0x41, PAGE_SHIFT, 0x76, 0x21, ...address];
  const loop = [0x03, 0x40, 0x20, ...address, 0x41, 1, 0x3a, 0, ...unsigned(TABLE)];
  loop.push(0x20, ...address, 0x41, 1, 0x6a, 0x22, ...address, 0x20, ...count, 0x4d, 0x0d, 0);
  return [...skipEmpty, ...last, ...first, ...loop, 0x0b, 0x0b];
}

/** @param {number} value */
function unsigned(value) {
  const bytes = [];
  let rest = value >>> 0;
  do {
    const more = rest > 127;
    bytes.push((rest & 127) | (more ? 128 : 0));
    rest >>>= 7;
  } while (rest !== 0);
  return bytes;
}

/** @param {number} value */
function signed(value) {
  const bytes = [];
  for (let rest = value; ;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

class Reader {
  at = 0;
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }
  byte() {
    return this.bytes[this.at++] ?? 0;
  }
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }
  skipNumber() {
    while (this.byte() >= 128);
  }
  /**
   * @template Item
   * @param {() => Item} read
   * @returns {Item[]}
   */
  list(read) {
    return Array.from({ length: this.number() }, read);
  }
  /**
   * Passes one instruction. What it does not know it refuses: a store must not be overlooked.
   * @returns {{ store?: { opcode: number, alignment: number, offset: number }, bulk?: boolean }}
   */
  instruction() {
    const opcode = this.byte();
    if (opcode >= 0x36 && opcode <= 0x3e) {
      return { store: { opcode, alignment: this.number(), offset: this.number() } };
    }
    if (opcode >= 0x28 && opcode <= 0x35) {
      this.number();
      this.number();
    } else if ([0x02, 0x03, 0x04, 0x41, 0x42].includes(opcode)) this.skipNumber();
    else if ([0x0c, 0x0d, 0x10].includes(opcode) || (opcode >= 0x20 && opcode <= 0x26)) {
      this.number();
    } else if (opcode === 0x0e) {
      this.list(() => this.number());
      this.number();
    } else if (opcode === 0x11) {
      this.number();
      this.number();
    } else if (opcode === 0x1c) this.list(() => this.byte());
    else if (opcode === 0x3f || opcode === 0x40) this.byte();
    else if (opcode === 0x43) this.at += 4;
    else if (opcode === 0x44) this.at += 8;
    else if (opcode === 0xfc) return this.#extended();
    else if (opcode > 0xc4)
      throw new Error(`Instruction ${opcode} is not known here: a store could be overlooked.`);
    return {};
  }
  #extended() {
    const opcode = this.number();
    if (opcode <= 7) return {};
    if (opcode === MEMORY_COPY || opcode === MEMORY_FILL) {
      this.at += opcode === MEMORY_COPY ? 2 : 1;
      return { bulk: true };
    }
    throw new Error(`Instruction 0xfc ${opcode} is not known here: a store could be overlooked.`);
  }
}
