/**
 * How a worker's engine comes to its first image: booted and checked in this worker, or taken over
 * from the worker of the same pool that did so first. Booting is deterministic, and no guest code
 * has run where a start comes from: a worker gives it away before it takes its first run.
 */
import type { GuestApiName } from "./apis/web-apis.ts";
import type { EngineStart, WorkerSettings } from "../protocol/control.ts";
import { calibrate, type EngineFacts, type EngineLayout, engineFacts } from "./calibrate.ts";
import type { Engine } from "./engine.ts";
import type { Image } from "./image.ts";
import { bootTemplate } from "./template.ts";

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

/** Names the engine, its version and what the layout constants were checked against. */
export function engineBuildOf(engine: Engine): string {
  return `quickjs-2025-09-13-${engine.name}`;
}
