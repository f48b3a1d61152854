import { STOP_SIGNALS } from "../run/stop_signals.ts";

/**
 * Calls `first` on the first Ctrl-C or SIGTERM, with the exit code it asks for, and ends the process on the
 * second. Returns what takes this back.
 */
export function onInterrupt(
  options: { readonly first: (exitCode: number) => void },
): () => void {
  let asked = false;
  const releases = STOP_SIGNALS.map(({ signal, exitCode }) => {
    const handler = (): void => {
      if (asked) Deno.exit(exitCode);
      asked = true;
      options.first(exitCode);
    };
    Deno.addSignalListener(signal, handler);
    return () => Deno.removeSignalListener(signal, handler);
  });
  return () => releases.forEach((release) => release());
}
