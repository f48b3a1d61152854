/** The only wall clock of the harness; everything else is given one. */

export interface Clock {
  /** The present, ISO 8601 in UTC. */
  readonly timestamp: () => string;
  /** Seconds since an arbitrary origin, never going back. */
  readonly seconds: () => number;
}

export const systemClock: Clock = {
  timestamp: () => new Date().toISOString(),
  seconds: () => performance.now() / 1000,
};
