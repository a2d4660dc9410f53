/*
 * Sessions that are logged in once and then asked again and again: NOOP round trips, and messages
 * by FETCH and APPEND. The clock starts when the last of them is logged in.
 */

#include "clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 * 1024 };

static struct session **all;
static int wanted, ready;
static double lasting;
static uint64_t began, deadline, message_size;
static bool upload;
static char block[BLOCK];
static void (*ask)(struct session *session);

static void send_noop(struct session *session) { conn_write(&session->conn, "a NOOP\r\n", 8); }

static void send_transfer(struct session *session) {
    char text[80];
    snprintf(text, sizeof text,
             upload ? "a APPEND INBOX {%llu}\r\n" : "a FETCH 1 BODY.PEEK[]<0.%llu>\r\n",
             (unsigned long long)message_size);
    conn_write(&session->conn, text, strlen(text));
}

static void next(struct session *session) {
    session->asked = now_us();
    ask(session);
}

static void is_ready(struct session *session) {
    all[ready++] = session;
    if (ready < wanted) return;
    memset(&tally.latency, 0, sizeof tally.latency);
    began = now_us();
    deadline = began + (uint64_t)(lasting * 1e6);
    for (int i = 0; i < ready; i++) next(all[i]);
}

static void answered(struct session *session) {
    uint64_t now = now_us();
    histogram_add(&tally.latency, now - session->asked);
    tally.done++;
    if (now < deadline) next(session);
    else session_finish(session);
}

/* The block's end is sent rather than its beginning: a message's last part ends its line, too. */
static void push(struct session *session) {
    while (session->going > 0) {
        size_t part = session->going < BLOCK ? session->going : BLOCK;
        session->going -= part;
        if (!conn_write(&session->conn, block + BLOCK - part, part)) return;
    }
}

static void line(struct session *session, const char *text) {
    if (!strncmp(text, "a OK", 4)) {
        answered(session);
    } else if (!strncmp(text, "* 1 FETCH", 9)) {
        session->coming = message_size;
    } else if (text[0] == '+') {
        session->going = message_size + 2;
        tally.bytes += message_size;
        push(session);
    } else if (text[0] != ')') {
        session_fail(session, text);
    }
}

static void over(struct session *session, const char *why) {
    fail("one of %d sessions was lost at step %d: %s", wanted, session->step, why);
}

static void run(const struct options *options) {
    static const struct role role = {is_ready, line, push, over};
    clients_prepare(options, &role, false);
    wanted = options->streams;
    lasting = options->seconds;
    message_size = options->size;
    upload = options->upload;
    memset(block, 'x', BLOCK);
    memcpy(block + BLOCK - 2, "\r\n", 2);
    all = calloc((size_t)wanted, sizeof *all);
    if (!all) fail("out of memory");
    for (int i = 0; i < wanted; i++) session_start();
    clients_run_out(now_us() + (uint64_t)(lasting * 1e6));
    clients_report((double)(now_us() - began) / 1e6);
}

void run_trips(const struct options *options) {
    ask = send_noop;
    run(options);
}

void run_bulk(const struct options *options) {
    ask = send_transfer;
    run(options);
}
