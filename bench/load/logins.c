/* Logins: connect, log in, one NOOP, log out, until the proxy has closed; then again. */

#include "clients.h"

static uint64_t deadline;

static void over(struct session *session, const char *why) {
    (void)session;
    if (!why) tally.done++;
    /* Many failures end it: a proxy that refuses at once would be hammered. */
    if (now_us() < deadline && tally.failed < 100) session_start();
}

void run_logins(const struct options *options) {
    static const struct role role = {.over = over};
    clients_prepare(options, &role, true);
    uint64_t began = now_us();
    deadline = began + (uint64_t)(options->seconds * 1e6);
    for (int i = 0; i < options->concurrency; i++) session_start();
    clients_run_out(deadline);
    clients_report((double)(now_us() - began) / 1e6);
}
