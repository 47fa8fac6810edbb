/** The runs of a session and the states they left: a tree, as one can go back and run otherwise. */
import type { RunOutcome } from "skep";

export interface ConsoleLine {
  level: string;
  text: string;
}

export interface RunNode {
  /** Counted over the page; 0 for the state a session began with. */
  readonly number: number;
  readonly source: string;
  readonly parent: RunNode | undefined;
  readonly lines: ConsoleLine[];
  /** Lines that were too many to keep. */
  linesLeftOut: number;
  /** Undefined while it waits or runs. */
  outcome: RunOutcome | undefined;
  /** Whether the session is as it was before this run. */
  isRolledBack: boolean;
  /** The session's state after the run; undefined until it is taken, and when it is given up. */
  image: Uint8Array | undefined;
}

export function createNode(
  number: number,
  source: string,
  parent: RunNode | undefined,
  image?: Uint8Array,
): RunNode {
  return {
    number,
    source,
    parent,
    lines: [],
    linesLeftOut: 0,
    outcome: undefined,
    isRolledBack: false,
    image,
  };
}

/** The runs that led to a state, the first one first. */
export function pathTo(node: RunNode): RunNode[] {
  const path = [];
  for (let at: RunNode | undefined = node; at !== undefined; at = at.parent) path.unshift(at);
  return path;
}

/** Runs one after the other; those of a branch begin after `from`. */
export interface Row {
  from: RunNode | undefined;
  runs: RunNode[];
}

/** The tree as rows: each goes on with the first that followed, every other one begins a row. */
export function rowsOf(nodes: readonly RunNode[]): Row[] {
  const rows: Row[] = [];
  const rowEndingIn = new Map<RunNode, Row>();
  for (const node of nodes) {
    let row = node.parent && rowEndingIn.get(node.parent);
    if (row === undefined) {
      row = { from: node.parent, runs: [] };
      rows.push(row);
    } else if (node.parent !== undefined) rowEndingIn.delete(node.parent);
    row.runs.push(node);
    rowEndingIn.set(node, row);
  }
  return rows;
}

/** Gives up the oldest states beyond a number of bytes, but never the one that is needed now. */
export function keepWithin(nodes: readonly RunNode[], current: RunNode, maximumBytes: number) {
  const images = new Set(nodes.map(({ image }) => image));
  let total = 0;
  for (const image of images) total += image?.length ?? 0;
  for (const image of images) {
    if (total <= maximumBytes) return;
    if (image === undefined || image === current.image) continue;
    total -= image.length;
    for (const node of nodes) if (node.image === image) node.image = undefined;
  }
}
