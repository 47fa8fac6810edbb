/** The engine's release: its binary format of values is part of the wire, so both ends need the same. */
export const ENGINE_RELEASE = "quickjs-2025-09-13";
