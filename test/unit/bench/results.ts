/** A result of the benchmark with these measurements, for tests of what is made of it. */

import type { Measurement, Results } from "../../../bench/model.ts";

export function resultsOf(measurements: readonly Measurement[]): Results {
  return {
    taken: "2026-01-02",
    machine: { processor: "X", processors: 2, memory: 8, kernel: "6.1", openFiles: 20_000 },
    versions: { Doorpost: "1.2.3", nginx: "1.31.5" },
    rounds: 3,
    seconds: 1,
    idleSessions: 2000,
    mostSessions: 100,
    sessionWorkers: 1,
    failed: 0,
    measurements,
  };
}
