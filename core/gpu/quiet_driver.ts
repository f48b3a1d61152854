/** A path that is absolute and where no display server listens. */
const NOWHERE = "/nonexistent";

/**
 * Runs `body` while XDG_RUNTIME_DIR is an absolute path. libwayland, which Linux drivers ask for a display
 * although computing needs none, otherwise writes "error: XDG_RUNTIME_DIR is invalid or not set" to standard
 * error at each request for an adapter. A value that is good already stays; so does the harmless line
 * where the permission `--allow-env=XDG_RUNTIME_DIR` is missing.
 */
export async function withQuietDriver<T>(body: () => Promise<T>): Promise<T> {
  const variable = "XDG_RUNTIME_DIR";
  const permission = { name: "env", variable } as const;
  if (Deno.build.os !== "linux") return await body();
  if (Deno.permissions.querySync(permission).state !== "granted") return await body();
  const before = Deno.env.get(variable);
  if (before?.startsWith("/")) return await body();
  Deno.env.set(variable, NOWHERE);
  try {
    return await body();
  } finally {
    if (before === undefined) Deno.env.delete(variable);
    else Deno.env.set(variable, before);
  }
}
