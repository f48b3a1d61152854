/**
 * What a forward pass is for. `train`: noise, auxiliary losses and running statistics take part; `evaluate`: a
 * sequence depends on itself alone; `stream`: a chunk goes on where the one before it ended.
 */
export type Purpose = "train" | "evaluate" | "stream";
