/** Calls `first` on the first Ctrl-C and ends the process on the second. Returns what takes this back. */
export function onInterrupt(options: { readonly first: () => void }): () => void {
  let asked = false;
  const handler = (): void => {
    if (asked) Deno.exit(130);
    asked = true;
    options.first();
  };
  Deno.addSignalListener("SIGINT", handler);
  return () => Deno.removeSignalListener("SIGINT", handler);
}
