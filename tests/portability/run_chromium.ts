/** Finds a Chromium, runs it once on a local page without a window, and ends it. */
import { IncompleteError, UnitError } from "../../core/errors.ts";
import type { KernelSet } from "./collect_kernels.ts";
import {
  type CompiledReport,
  compileInPage,
  type PageReport,
  type PageRequest,
} from "./compile_in_page.ts";

/** A browser on PATH. */
export interface Browser {
  readonly command: string;
  /** As it names itself, "Chromium 156.0.8078.79 built on Debian". */
  readonly version: string;
}

/** Which WebGPU adapter the browser is told to use; `default` leaves the choice to it. */
export const ADAPTERS = ["swiftshader", "default"] as const;
export type AdapterChoice = typeof ADAPTERS[number];

/** Names under which Chromium is installed; the task in deno.json permits the same ones. */
const COMMANDS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const IN_FLIGHT = 32;
/** A software adapter makes machine code for every pipeline: five minutes for 1,900 on two cores. */
const DEADLINE_SECONDS = 3600;

/** The first Chromium on PATH. @throws {IncompleteError} If there is none */
export async function findChromium(): Promise<Browser> {
  for (const command of COMMANDS) {
    try {
      const { success, stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
      if (success) return { command, version: new TextDecoder().decode(stdout).trim() };
    } catch (error) {
      // A name that is not on PATH is also in no permission.
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
        continue;
      }
      throw error;
    }
  }
  throw new IncompleteError(
    `No Chromium found, looked for ${COMMANDS.join(", ")}; ` +
      `install one (Debian: apt-get install chromium), nothing was compiled`,
  );
}

/**
 * Compiles a set of kernels in the browser.
 *
 * @throws {IncompleteError} If the browser has no WebGPU adapter
 * @throws {UnitError} If the browser ends, or the page fails, before it has reported
 */
export async function compileInChromium(set: KernelSet, options: {
  readonly browser: Browser;
  readonly adapter: AdapterChoice;
}): Promise<CompiledReport> {
  const { browser, adapter } = options;
  const profile = await Deno.makeTempDir({ prefix: "portability_" });
  const page = servePage({ ...set, inFlight: IN_FLIGHT });
  const child = new Deno.Command(browser.command, {
    args: [...argumentsOf({ profile, adapter }), page.address],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new UnitError(`The page gave no report in ${DEADLINE_SECONDS} s`)),
    DEADLINE_SECONDS * 1000,
  );
  try {
    const report = await Promise.race([page.report, earlyEnd(ended), deadline.promise]);
    const found = report.adapter;
    if (found === null) {
      throw new IncompleteError(
        `${browser.version} has no WebGPU adapter (asked for ${adapter}); nothing was compiled`,
      );
    }
    return { ...report, adapter: found };
  } finally {
    clearTimeout(timer);
    endProcess(child);
    await ended;
    await page.close();
    await removeFolder(profile);
  }
}

function argumentsOf(
  { profile, adapter }: { readonly profile: string; readonly adapter: AdapterChoice },
): readonly string[] {
  return [
    "--headless=new",
    "--no-sandbox", // root in a container has no other way; the page is ours
    `--user-data-dir=${profile}`,
    "--no-first-run",
    "--disable-extensions",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-unsafe-webgpu", // Linux, and adapters on Chromium's block list
    ...(adapter === "swiftshader"
      ? ["--use-webgpu-adapter=swiftshader"]
      : ["--enable-features=Vulkan"]),
  ];
}

interface ServedPage {
  readonly address: string;
  /** Settles when the page has posted. */
  readonly report: Promise<PageReport>;
  close(): Promise<void>;
}

function servePage(request: PageRequest): ServedPage {
  const report = Promise.withResolvers<PageReport>();
  report.promise.catch(() => {}); // a failure after an earlier one has nobody waiting for it
  const script = `${compileInPage}
    const post = (path, body) => fetch(path, { method: "POST", body });
    fetch("/request").then((response) => response.json()).then(compileInPage).then(
      (found) => post("/report", JSON.stringify(found)),
      (error) => post("/failure", String(error)),
    );`;
  const html = `<!doctype html><title>Portability</title><script type="module">${script}</script>`;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (incoming) => {
      const { pathname } = new URL(incoming.url);
      if (pathname === "/") {
        return new Response(html, { headers: { "content-type": "text/html; charset=utf-8" } });
      }
      if (pathname === "/request") return Response.json(request);
      if (pathname === "/report") report.resolve(await incoming.json());
      else if (pathname === "/failure") {
        report.reject(new UnitError(`The page failed: ${await incoming.text()}`));
      } else return new Response(null, { status: 404 });
      return new Response(null, { status: 204 });
    },
  );
  return {
    address: `http://127.0.0.1:${server.addr.port}/`,
    report: report.promise,
    close: () => server.shutdown(),
  };
}

async function earlyEnd(ended: Promise<Deno.CommandOutput>): Promise<never> {
  const { code, stderr } = await ended;
  const last = new TextDecoder().decode(stderr).trim().split("\n").slice(-5).join("\n");
  throw new UnitError(`The browser ended with code ${code} before the page reported:\n${last}`);
}

function endProcess(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended by itself
  }
}

/** The browser's own children may still write for a moment after it has ended. */
async function removeFolder(folder: string): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
