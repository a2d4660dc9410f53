/*
 * Sessions that log in and stay. Orders come by lines on standard input, each answered by a line of
 * JSON: `open N` adds sessions until there are N, `ping` asks a NOOP of each, `quit` leaves.
 */

#include "clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any role opens; how long the replies to one order may take. */
enum { MOST = 100000, PATIENCE_US = 120000000 };

static struct session *all[MOST];
static int wanted, ready, concurrency, answers;
static uint64_t ordered;
static enum { RESTING, OPENING, PINGING } doing;

static void settle(const char *word, int count) {
    doing = RESTING;
    printf("{\"%s\":%d,\"lost\":%llu,\"seconds\":%.3f}\n", word, count,
           (unsigned long long)tally.failed, (double)(now_us() - ordered) / 1e6);
    fflush(stdout);
}

static void open_more(void) {
    if (doing != OPENING) return;
    while ((int)tally.live < wanted && (int)tally.live - ready < concurrency && !tally.failed)
        session_start();
    if (ready >= wanted || (tally.failed && (int)tally.live == ready)) settle("open", ready);
}

static void is_ready(struct session *session) {
    session->at = ready;
    all[ready++] = session;
    open_more();
}

static void line(struct session *session, const char *text) {
    if (strncmp(text, "a OK", 4)) return session_fail(session, text);
    if (doing == PINGING && ++answers == ready) settle("alive", answers);
}

static void over(struct session *session, const char *why) {
    (void)why;
    if (session->ready) {
        all[session->at] = all[--ready];
        all[session->at]->at = session->at;
    }
    open_more();
    if (doing == PINGING && answers >= ready) settle("alive", answers);
}

static void ping(void) {
    doing = PINGING;
    answers = 0;
    for (int i = 0; i < ready; i++) conn_write(&all[i]->conn, "a NOOP\r\n", 8);
    if (ready == 0) settle("alive", 0);
}

static void order(char *bytes, size_t length) {
    if (length == 0) exit(0);
    bytes[length - 1] = 0;
    ordered = now_us();
    if (sscanf(bytes, "open %d", &wanted) == 1 && wanted <= MOST) {
        doing = OPENING;
        open_more();
    } else if (!strcmp(bytes, "ping")) {
        ping();
    } else if (!strcmp(bytes, "quit")) {
        exit(0);
    } else {
        fail("unknown order %s", bytes);
    }
}

void run_hold(const struct options *options) {
    static const struct role role = {is_ready, line, NULL, over};
    clients_prepare(options, &role, false);
    concurrency = options->concurrency;
    loop_stdin(order);
    for (;;) {
        loop_turn(1000);
        if (doing != RESTING && now_us() > ordered + PATIENCE_US)
            fail("%d of %d sessions after %d s", doing == PINGING ? answers : ready, wanted,
                 PATIENCE_US / 1000000);
    }
}
