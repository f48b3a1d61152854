/** A backend on which the values of a training run overflow where a test wants it. */
import type { Backend, Program, StepInput } from "../../../core/plan/backend.ts";
import type { ArenaName } from "../../../core/plan/plan.ts";

/** Its square is infinite in f32, it is not. */
export const OVERFLOWING = 1e19;

/** Every initial parameter is `value`. */
export function startingAt(value: number, backend: Backend): Backend {
  return changed(backend, (program) => {
    const write = program.write.bind(program);
    return {
      write: (arena: ArenaName, values: Float32Array) =>
        write(arena, arena === "param" ? values.map(() => value) : values),
    };
  });
}

/** Update `last` of a training program leaves parameters that overflow. */
export function overflowingAfter(last: number, backend: Backend): Backend {
  return changed(backend, (program) => {
    const step = program.step.bind(program);
    let done = 0;
    return {
      step: async (input: StepInput) => {
        await step(input);
        if (!program.plan.inputs.has("schedule") || ++done !== last) return;
        const parameters = new Float32Array(program.plan.arenaBytes.param / 4);
        program.write("param", parameters.fill(OVERFLOWING));
      },
    };
  });
}

function changed(backend: Backend, change: (program: Program) => Partial<Program>): Backend {
  return {
    ...backend,
    compile: async (plan, options) => {
      const program = await backend.compile(plan, options);
      return Object.assign(program, change(program));
    },
  };
}
