/** What is known of a WebGPU adapter, as it goes into records. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** True for a software adapter, whose speed says nothing about GPUs. */
  readonly isFallbackAdapter: boolean;
  readonly features: readonly string[];
  /** Limits that matter to plans, in the units of the WebGPU specification. */
  readonly limits: Readonly<Record<string, number>>;
}
