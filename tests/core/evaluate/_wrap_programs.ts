/** A backend whose programs do more, or less, than those of another. */
import type { Backend, Program } from "../../../core/plan/backend.ts";
import type { Plan } from "../../../core/plan/plan.ts";

/** What happens in place of a program's own method; `destroy` in addition to it. */
export interface Changes {
  readonly readArenas?: Program["readArenas"];
  readonly destroy?: () => void;
}

/** `backend` with changed programs. */
export function wrapPrograms(backend: Backend, changesOf: (plan: Plan) => Changes): Backend {
  const originals = new Map<Program, Program>();
  return {
    facts: backend.facts,
    destroy: () => backend.destroy(),
    compile: async (plan, { parametersOf } = {}) => {
      const owner = parametersOf && originals.get(parametersOf);
      const program = await backend.compile(plan, owner ? { parametersOf: owner } : {});
      const changes = changesOf(plan);
      const wrapped: Program = {
        plan,
        write: (arena, values) => program.write(arena, values),
        step: (inputs) => program.step(inputs),
        read: (label) => program.read(label),
        readArenas: changes.readArenas ?? ((names) => program.readArenas(names)),
        destroy: () => {
          changes.destroy?.();
          program.destroy();
        },
      };
      originals.set(wrapped, program);
      return wrapped;
    },
  };
}
