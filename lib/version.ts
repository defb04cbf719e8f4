import config from "../deno.json" with { type: "json" };

/** sera's version, which is kept in deno.json only. */
export const VERSION: string = config.version;
