import config from "../deno.json" with { type: "json" };

/** sera's version; deno.json is the one place that holds it. */
export const VERSION: string = config.version;
