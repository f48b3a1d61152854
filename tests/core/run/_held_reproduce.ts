/**
 * The command `reproduce`, whose units of the arms named by the first argument ("resnet-bk,transformer") are held
 * in their midst, in this process or in its workers. The other arguments are the command's.
 */
import { runMain } from "../../../core/cli/main.ts";
import { reproduce } from "../../../core/cli/reproduce.ts";
import { holdUnits } from "./_hold_units.ts";

const [arms, ...args] = Deno.args;
const WORKER = new URL("../../../core/run/executors/worker.ts", import.meta.url).href;
const HELD_WORKER = new URL(`_held_worker.ts?${arms}`, import.meta.url).href;

holdUnits(arms.split(","));
const Command = Deno.Command;
Object.defineProperty(Deno, "Command", {
  value: class extends Command {
    constructor(command: string, options: Deno.CommandOptions = {}) {
      // Workers alone: which code a unit runs is still asked of the real one.
      const args = options.args?.map((arg) =>
        arg === WORKER && options.args?.[0] === "run" ? HELD_WORKER : arg
      );
      super(command, args ? { ...options, args } : options);
    }
  },
});

await runMain(() => reproduce(args), { args });
