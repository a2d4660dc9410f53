/**
 * Preloaded by `deno test`, which prints exceptions thrown in timers, microtasks and event listeners
 * and then calls the test passed: here they fail the test that is running when they are seen.
 */

const uncaught: unknown[] = [];

globalThis.addEventListener("error", (event) => {
  uncaught.push(event instanceof ErrorEvent ? event.error : event);
  event.preventDefault();
});

function rethrow(): void {
  if (uncaught.length > 0) {
    throw new AggregateError(uncaught.splice(0), "Thrown outside of any test");
  }
}

Deno.test.afterEach(rethrow);
Deno.test.afterAll(rethrow);
