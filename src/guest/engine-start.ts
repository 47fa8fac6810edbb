/**
 * How a worker's engine comes to its first image: booted and checked in this worker, or taken over
 * from the worker of the same pool that did so first. Booting is deterministic, and no guest code
 * has run where a start comes from: a worker gives it away before it takes its first run.
 */
import { ENGINE_RELEASE } from "../protocol/engine-release.ts";
import { type GuestApiName, webApiText } from "./apis/web-apis.ts";
import {
  type EngineStart,
  IMAGE_REFUSED,
  type ImageState,
  type PreparedImages,
  type WorkerSettings,
} from "../protocol/control.ts";
import { calibrate, type EngineFacts, type EngineLayout, engineFacts } from "./calibrate.ts";
import { BOOT_SOURCE } from "./boot/boot.ts";
import { type Engine, INITIAL_PAGES, PAGE_BYTES } from "./engine.ts";
import { captureImage, type Image, restoreImage } from "./image.ts";
import { imageOfState } from "./image-state.ts";
import type { Inventory } from "./inventory.ts";
import { Sandbox } from "./sandbox.ts";
import { bootTemplate } from "./template.ts";

/** Growing takes a little more than what is grown by. */
const SPARE_PAGES = 2;

/** What travels inside an {@link EngineStart}. */
interface StartState {
  layout: EngineLayout;
  image: Image;
}

type StartSettings = Pick<WorkerSettings, "stackBytes" | "start"> & {
  webApis: readonly GuestApiName[];
};

/** A started engine. */
export interface StartedEngine {
  facts: EngineFacts;
  /** The empty sandbox. */
  image: Image;
  /** For other workers of the pool, when it was made here. */
  start: EngineStart | undefined;
}

/** Throws when the engine is not the one this code was written for, or the start is another's. */
export async function startEngine(
  engine: Engine,
  { stackBytes, webApis, start }: StartSettings,
): Promise<StartedEngine> {
  const engineBuild = engineBuildOf(engine);
  if (start !== undefined) {
    if (start.engineBuild !== engineBuild) {
      throw new Error(
        `The pool's first image is of the engine ${start.engineBuild}, and this worker has ${engineBuild}.`,
      );
    }
    const { layout, image } = start.state as StartState;
    return { facts: engineFacts(layout), image, start: undefined };
  }
  const facts = await calibrate(engine);
  const image = await bootTemplate({ engine, facts, stackBytes, webApis });
  const state: StartState = { layout: facts.layout, image };
  return { facts, image, start: { engineBuild, state } };
}

/**
 * Takes over images of another worker, perhaps of another process. Throws when they are another
 * engine's.
 */
export async function takeImages(
  engine: Engine,
  { engineBuild, layout, stackBytes, empty, template }: PreparedImages,
  settings: Pick<StartSettings, "stackBytes">,
  inventory: Inventory,
): Promise<StartedEngine & { template: Image }> {
  const own = engineBuildOf(engine);
  if (engineBuild !== own) {
    const error = new Error(`it is of the engine ${engineBuild}, and this pool has ${own}`);
    error.name = IMAGE_REFUSED;
    throw error;
  }
  const facts = engineFacts(layout as EngineLayout);
  const taken = async (state: ImageState): Promise<Image> => {
    const image = imageOfState(state, inventory);
    if (stackBytes === settings.stackBytes) return image;
    // It was made where threads have another native stack.
    const pages = Math.ceil(image.heapEnd / PAGE_BYTES) + SPARE_PAGES;
    const sandbox = await Sandbox.create(engine, Math.max(pages, INITIAL_PAGES));
    restoreImage(sandbox, image, facts);
    sandbox.limitStack(settings.stackBytes);
    return captureImage(sandbox, facts);
  };
  return { facts, image: await taken(empty), template: await taken(template), start: undefined };
}

/**
 * Names the engine, its version, and the guest code of this library that is in every image: one that
 * was made with other guest code has other helpers at other places.
 */
export function engineBuildOf(engine: Engine): string {
  return `${ENGINE_RELEASE}-${engine.name}-${hashOf(BOOT_SOURCE + webApiText()).toString(16)}`;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
