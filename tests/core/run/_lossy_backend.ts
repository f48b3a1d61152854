/** A backend whose device goes in mid-run. */
import type { Backend } from "../../../core/plan/backend.ts";

/** The same backend, whose device is given back before step number `lastsFor`, of all its programs together. */
export function lossyBackend(backend: Backend, lastsFor: number): Backend {
  let steps = 0;
  return {
    ...backend,
    compile: async (plan, options) => {
      const program = await backend.compile(plan, options);
      const step = program.step.bind(program);
      return Object.assign(program, {
        step: (inputs: Parameters<typeof step>[0]) => {
          if (steps++ === lastsFor) backend.destroy();
          step(inputs);
        },
      });
    },
  };
}
