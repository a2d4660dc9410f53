/* Clock, processor time and latency percentiles. */

#include "load.h"

#include <sys/resource.h>
#include <time.h>

uint64_t now_us(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000 + (uint64_t)at.tv_nsec / 1000;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/* Below 128 a step is one microsecond; above, an octave has 64 of them. */
static unsigned step_of(uint64_t us) {
    unsigned octave = 0;
    while (us >> octave >= 128) octave++;
    return 64 * octave + (unsigned)(us >> octave);
}

static double upper_edge(unsigned step) {
    if (step < 128) return step + 1;
    unsigned octave = step / 64 - 1;
    return (double)((uint64_t)(step - 64 * octave + 1) << octave);
}

void histogram_add(struct histogram *histogram, uint64_t us) {
    unsigned step = step_of(us), last = sizeof histogram->steps / sizeof *histogram->steps - 1;
    histogram->steps[step < last ? step : last]++;
    histogram->count++;
    if (us > histogram->most) histogram->most = us;
}

double histogram_ms(const struct histogram *histogram, double fraction) {
    uint64_t wanted = (uint64_t)(fraction * (double)histogram->count + 0.9999), seen = 0;
    unsigned steps = sizeof histogram->steps / sizeof *histogram->steps;
    for (unsigned step = 0; step < steps; step++) {
        seen += histogram->steps[step];
        if (seen >= wanted && seen > 0) {
            double edge = upper_edge(step), most = (double)histogram->most;
            return (edge < most ? edge : most) / 1000;
        }
    }
    return 0;
}
