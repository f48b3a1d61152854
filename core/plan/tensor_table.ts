import type { TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { bytesOf } from "./bytes_of.ts";
import type { ArenaName, PlacedTensor } from "./plan.ts";

/** Where a tensor lies. */
export interface Place {
  readonly arena: ArenaName;
  readonly byteOffset: number;
}

/** Collects placed tensors, each once. */
export class TensorTable {
  readonly tensors: PlacedTensor[] = [];
  readonly #indices = new Map<Tensor, number>();

  add(tensor: Tensor, at: Place & { readonly born: number; readonly dies: number }): number {
    const known = this.#indices.get(tensor);
    if (known !== undefined) return known;
    const { arena, byteOffset, born, dies } = at;
    const { type, label } = tensor;
    const id = this.tensors.length;
    this.tensors.push({
      id,
      type,
      label,
      arena,
      byteOffset,
      byteLength: bytesOf(type),
      born,
      dies,
    });
    this.#indices.set(tensor, id);
    return id;
  }

  addScratch(
    type: TensorType,
    at: { readonly label: string; readonly byteOffset: number; readonly step: number },
  ): number {
    const { label, byteOffset, step } = at;
    const id = this.tensors.length;
    const byteLength = bytesOf(type);
    this.tensors.push({
      id,
      type,
      label,
      arena: "activation",
      byteOffset,
      byteLength,
      born: step,
      dies: step,
    });
    return id;
  }
}
