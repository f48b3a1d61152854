/**
 * A made-up campaign whose statistics can be checked by hand: eight seeds, resnet-bk at
 * 3.00, 3.01, …, 3.07 nats, transformer above it by 0.01, 0.02, …, 0.08.
 *
 * scipy 1.17: d = -np.arange(1, 9)/100; stats.t.interval(.95, 7, loc=d.mean(), scale=stats.sem(d))
 * → (-0.0654782, -0.0245218); stats.permutation_test((d,), np.mean, permutation_type="samples",
 * n_resamples=np.inf).pvalue → 0.0078125; resnet-bk mean 3.035 (3.0145218, 3.0554782), exp 20.80098;
 * transformer mean 3.08 (3.0390435, 3.1209565), exp 21.75840; Hedges d_z = -1.631733.
 */
import type { ReportInput } from "../../../core/report/summaries.ts";
import { fixture, type FixtureOptions } from "./_fixture.ts";

/** The campaign at one length, 128, or as the options say. */
export function goldenFixture(options: FixtureOptions = {}): ReportInput {
  return fixture({
    lengths: [128],
    profile: "cpu",
    finalLoss: ({ arm, seed }) => {
      const k = seed - 42;
      return 3 + k / 100 + (arm === "transformer" ? (k + 1) / 100 : 0);
    },
    ...options,
  });
}
