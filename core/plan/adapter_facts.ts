/** What is known of a WebGPU adapter, as it goes into records. */
export interface AdapterFacts {
  /** As the driver says it; may be empty. */
  readonly vendor: string;
  /** Family of the hardware; may be empty. */
  readonly architecture: string;
  /** Number or name of the device; may be empty. */
  readonly device: string;
  /** Name for people, "llvmpipe (LLVM 15.0.6, 256 bits)". */
  readonly description: string;
  /** True for a software adapter, whose speed says nothing about GPUs. */
  readonly isFallbackAdapter: boolean;
  /** Optional features the adapter offers, sorted. */
  readonly features: readonly string[];
  /** Limits that matter to plans, in the units of the WebGPU specification. */
  readonly limits: Readonly<Record<string, number>>;
}
