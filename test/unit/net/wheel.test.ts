/** The timing wheel: never early, at most one tick late, whatever is armed, moved or disarmed. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Deadline, Wheel } from "../../../src/net/wheel.ts";
import { MemoryClock } from "../../../src/runtime/memory/clock.ts";

const TICK = 50;

/** Notes when it expired, and may do something then. */
class Probe extends Deadline {
  readonly name: string;
  readonly fired: number[] = [];
  readonly #clock: MemoryClock;
  readonly #then: (probe: Probe) => void;

  constructor(clock: MemoryClock, then: (probe: Probe) => void = () => {}, name = "") {
    super();
    this.name = name;
    this.#clock = clock;
    this.#then = then;
  }

  expired(): void {
    this.fired.push(this.#clock.monotonic());
    this.#then(this);
  }
}

function setup(): { clock: MemoryClock; wheel: Wheel } {
  const clock = new MemoryClock();
  return { clock, wheel: new Wheel(clock, TICK) };
}

/** Moves in small steps, as a live process does. */
function pass(clock: MemoryClock, ms: number, step = 7): void {
  for (let left = ms; left > 0; left -= step) clock.advance(Math.min(step, left));
}

function assertTimely(probe: Probe, due: number): void {
  assert.equal(probe.fired.length, 1, `due at ${due}, fired at ${probe.fired}`);
  const late = probe.fired[0] - due;
  assert.ok(late >= 0 && late <= TICK, `due at ${due}, fired at ${probe.fired[0]}`);
}

describe("wheel: when a deadline fires", () => {
  for (const ms of [0, 1, 49, 50, 51, 99, 100, 1000, 25_599, 25_600, 25_601, 60_000, 3_600_000]) {
    test(`${ms} ms: not early, at most a tick late`, () => {
      const { clock, wheel } = setup();
      const probe = new Probe(clock);
      wheel.arm(probe, ms);
      clock.advance(ms + 2 * TICK);
      assertTimely(probe, ms);
      assert.equal(wheel.size, 0);
    });
  }

  for (const start of [1, 25, 49, 50, 73, 25_600]) {
    test(`armed at ${start} ms, between two ticks or on one`, () => {
      const { clock, wheel } = setup();
      clock.advance(start);
      const probes = [0, 1, 2, 49, 50, 51, 777].map((ms) => {
        const probe = new Probe(clock);
        wheel.arm(probe, ms);
        return [probe, start + ms] as const;
      });
      pass(clock, 2000);
      for (const [probe, due] of probes) assertTimely(probe, due);
    });
  }

  test("thousands of deadlines over two minutes, each timely, in order of their ticks", () => {
    const { clock, wheel } = setup();
    const order: number[] = [];
    const probes = Array.from({ length: 5000 }, (_, i) => {
      const ms = (i * 7919) % 120_000;
      const probe = new Probe(clock, () => order.push(Math.ceil(ms / TICK)));
      wheel.arm(probe, ms);
      return [probe, ms] as const;
    });
    assert.equal(wheel.size, 5000);
    pass(clock, 121_000, 33);
    for (const [probe, due] of probes) assertTimely(probe, due);
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
    assert.equal(wheel.size, 0);
  });

  test("deadlines of one tick fire in the order of arming", () => {
    const { clock, wheel } = setup();
    const order: string[] = [];
    for (const name of ["a", "b", "c"]) wheel.arm(new Probe(clock, () => order.push(name)), 30);
    clock.advance(TICK);
    assert.deepEqual(order, ["a", "b", "c"]);
  });
});

describe("wheel: moving and disarming", () => {
  test("re-arming moves a deadline", () => {
    const { clock, wheel } = setup();
    const probe = new Probe(clock);
    wheel.arm(probe, 100);
    clock.advance(60);
    wheel.arm(probe, 100);
    assert.equal(wheel.size, 1);
    clock.advance(90);
    assert.deepEqual(probe.fired, []);
    clock.advance(TICK);
    assertTimely(probe, 160);
  });

  test("traffic that re-arms again and again keeps a deadline away", () => {
    const { clock, wheel } = setup();
    const probe = new Probe(clock);
    for (let i = 0; i < 1000; i++) {
      wheel.arm(probe, 300);
      clock.advance(290);
    }
    assert.deepEqual(probe.fired, []);
    clock.advance(300 + TICK);
    assert.equal(probe.fired.length, 1);
  });

  test("a disarmed deadline does not fire, twice disarmed is once", () => {
    const { clock, wheel } = setup();
    const probe = new Probe(clock);
    wheel.arm(probe, 100);
    wheel.disarm(probe);
    wheel.disarm(probe);
    assert.equal(wheel.size, 0);
    clock.advance(1000);
    assert.deepEqual(probe.fired, []);
  });

  test("disarming what was never armed is nothing", () => {
    const { clock, wheel } = setup();
    wheel.disarm(new Probe(clock));
    assert.equal(wheel.size, 0);
  });

  test("a fired deadline can be armed again", () => {
    const { clock, wheel } = setup();
    const probe = new Probe(clock);
    for (const round of [1, 2, 3]) {
      wheel.arm(probe, 100);
      clock.advance(200);
      assert.equal(probe.fired.length, round);
    }
  });

  test("an idle wheel asks nothing of the clock", () => {
    const { clock, wheel } = setup();
    assert.equal(clock.pending, 0);
    const probes = [10, 20_000].map((ms) => {
      const probe = new Probe(clock);
      wheel.arm(probe, ms);
      return probe;
    });
    assert.equal(clock.pending, 1);
    clock.advance(20_100);
    assert.equal(clock.pending, 0);
    assert.deepEqual(probes.map((probe) => probe.fired.length), [1, 1]);
  });
});

describe("wheel: from within an expiry", () => {
  test("arming itself again makes an interval, also of no time at all", () => {
    for (const ms of [0, 1, TICK, TICK + 1, 1000]) {
      const { clock, wheel } = setup();
      const probe = new Probe(clock, (self) => self.fired.length < 20 && wheel.arm(self, ms));
      wheel.arm(probe, ms);
      clock.advance(20 * (ms + 2 * TICK));
      assert.equal(probe.fired.length, 20, `every ${ms} ms`);
      for (let i = 1; i < 20; i++) assert.ok(probe.fired[i] - probe.fired[i - 1] >= ms);
    }
  });

  test("disarming a later one of the same tick stops it", () => {
    const { clock, wheel } = setup();
    const second = new Probe(clock);
    const third = new Probe(clock);
    wheel.arm(new Probe(clock, () => wheel.disarm(second)), 10);
    wheel.arm(second, 10);
    wheel.arm(third, 10);
    clock.advance(TICK);
    assert.deepEqual([second.fired.length, third.fired.length, wheel.size], [0, 1, 0]);
  });

  test("moving a later one of the same tick moves it", () => {
    const { clock, wheel } = setup();
    const second = new Probe(clock);
    wheel.arm(new Probe(clock, () => wheel.arm(second, 500)), 10);
    wheel.arm(second, 10);
    clock.advance(TICK);
    assert.deepEqual(second.fired, []);
    clock.advance(600);
    assertTimely(second, TICK + 500);
  });

  test("arming others, in this slot and in every other one", () => {
    const { clock, wheel } = setup();
    const others = Array.from({ length: 600 }, () => new Probe(clock));
    const first = new Probe(clock, () => others.forEach((probe, i) => wheel.arm(probe, i * TICK)));
    wheel.arm(first, TICK);
    pass(clock, 602 * TICK + TICK);
    others.forEach((probe, i) => assertTimely(probe, TICK + i * TICK));
  });

  test("an expiry that throws harms no other deadline, and is heard of", () => {
    const { clock, wheel } = setup();
    const faulty = new Probe(clock, () => {
      throw new Error("a bug in one session");
    });
    const after = new Probe(clock);
    const later = new Probe(clock);
    wheel.arm(faulty, 10);
    wheel.arm(after, 10);
    wheel.arm(later, 500);
    assert.throws(() => clock.advance(TICK), /a bug in one session/);
    clock.advance(1000);
    assertTimely(after, 10);
    assertTimely(later, 500);
    assert.equal(faulty.fired.length, 1);
  });
});

describe("wheel: a process that slept", () => {
  /** A clock whose timers come late: nothing fires until the sleeper wakes. */
  class Sleeper extends MemoryClock {
    asleep = 0;

    override monotonic(): number {
      return super.monotonic() + this.asleep;
    }
  }

  for (const slept of [1, 49, 1000, 511 * TICK, 512 * TICK, 513 * TICK, 100_000, 10_000_000]) {
    test(`${slept} ms: all that became due fires at once, the rest in its time`, () => {
      const clock = new Sleeper();
      const wheel = new Wheel(clock, TICK);
      const probes = [10, 300, 5000, 25_600, 26_000, 99_999, 200_000].map((ms) => {
        const probe = new Probe(clock);
        wheel.arm(probe, ms);
        return [probe, ms] as const;
      });
      clock.asleep = slept;
      clock.advance(2 * TICK);
      for (const [probe, ms] of probes) {
        const due = ms <= clock.monotonic() - TICK;
        if (due) assert.equal(probe.fired.length, 1, `${ms} after ${slept}`);
        if (ms > clock.monotonic()) assert.equal(probe.fired.length, 0, `${ms} after ${slept}`);
      }
      clock.advance(210_000);
      for (const [probe, ms] of probes) {
        assert.equal(probe.fired.length, 1);
        assert.ok(probe.fired[0] >= ms, `${ms} fired at ${probe.fired[0]}`);
      }
    });
  }

  test("armed while the wheel lags behind the time of day", () => {
    const clock = new Sleeper();
    const wheel = new Wheel(clock, TICK);
    wheel.arm(new Probe(clock), 60_000);
    clock.advance(1000);
    clock.asleep = 30_000;
    const probe = new Probe(clock);
    wheel.arm(probe, 200);
    clock.advance(100);
    assert.deepEqual(probe.fired, []);
    clock.advance(200);
    assertTimely(probe, 31_200);
  });
});

describe("wheel: ticks as a coarse clock", () => {
  test("since() tells how long ago a tick was, to within one", () => {
    const { clock, wheel } = setup();
    wheel.arm(new Probe(clock), 100_000);
    pass(clock, 1000);
    const tick = wheel.tick;
    pass(clock, 3000);
    const since = wheel.since(tick);
    assert.ok(since >= 3000 - TICK && since <= 3000 + TICK, String(since));
  });
});
