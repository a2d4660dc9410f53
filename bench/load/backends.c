/*
 * Fake mail servers that let everybody in and answer at once. IMAP: RFC 3501 LOGIN with literals,
 * NOOP, FETCH of a part of the asked length, APPEND. POP3: RFC 1939. SMTP: RFC 5321, XCLIENT.
 */

#define _GNU_SOURCE
#include "load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { LINE = 512, TAG = 40, BLOCK = 256 * 1024 };

struct session;
typedef void (*command)(struct session *session, char *line);

struct session {
    struct conn conn;
    command command;
    /* Bytes of a literal that are still to come, and of a message that are still to go. */
    uint64_t coming, going;
    bool message;
    char tag[TAG], verb[TAG];
    size_t length;
    char line[LINE];
};

struct service {
    const char *greeting;
    command command;
};

static char block[BLOCK];

static void say(struct session *session, const char *text) {
    conn_write(&session->conn, text, strlen(text));
}

static bool is(const char *line, const char *verb) {
    size_t length = strlen(verb);
    return !strncasecmp(line, verb, length) && (!line[length] || line[length] == ' ');
}

/* --- IMAP -------------------------------------------------------------------------------------- */

/* A message and the reply to it leave as one stream, as a mail server sends them. */
static void cork(struct session *session, int on) {
    setsockopt(session->conn.fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static void imap_done(struct session *session) {
    char text[LINE];
    snprintf(text, sizeof text, "%s%s OK done\r\n",
             is(session->verb, "LOGOUT") ? "* BYE\r\n" : "", session->tag);
    session->verb[0] = 0;
    say(session, text);
}

static void send_message(struct session *session) {
    while (session->going > 0) {
        size_t part = session->going < BLOCK ? session->going : BLOCK;
        session->going -= part;
        if (!conn_write(&session->conn, block, part)) return;
    }
    if (!session->message) return;
    session->message = false;
    say(session, ")\r\n");
    imap_done(session);
    cork(session, 0);
}

static void fetch(struct session *session, const char *line) {
    const char *size = strstr(line, "<0.");
    char text[100];
    session->going = size ? strtoull(size + 3, NULL, 10) : 1024;
    session->message = true;
    cork(session, 1);
    snprintf(text, sizeof text, "* 1 FETCH (BODY[]<0> {%llu}\r\n", (unsigned long long)session->going);
    say(session, text);
    send_message(session);
}

/* The number in a line's closing brace, when the line goes on with a literal. */
static bool literal(const char *line, uint64_t *size, bool *waits) {
    const char *brace = strrchr(line, '{');
    char *end;
    if (!brace) return false;
    *size = strtoull(brace + 1, &end, 10);
    *waits = *end != '+';
    return !strcmp(end, "}") || !strcmp(end, "+}");
}

static void imap(struct session *session, char *line) {
    bool waits;
    if (!session->verb[0]) sscanf(line, "%39s %39s", session->tag, session->verb);
    if (literal(line, &session->coming, &waits)) {
        if (waits) say(session, "+ go on\r\n");
        return;
    }
    if (is(session->verb, "FETCH")) return fetch(session, line);
    bool leaving = is(session->verb, "LOGOUT");
    imap_done(session);
    if (leaving) conn_end(&session->conn);
}

/* --- POP3 and SMTP ----------------------------------------------------------------------------- */

static void pop3(struct session *session, char *line) {
    say(session, "+OK\r\n");
    if (is(line, "QUIT")) conn_end(&session->conn);
}

static void smtp(struct session *session, char *line) {
    if (is(line, "QUIT")) {
        say(session, "221 bye\r\n");
        return conn_end(&session->conn);
    }
    if (is(line, "EHLO")) say(session, "250-backend\r\n250-PIPELINING\r\n250 XCLIENT NAME LOGIN ADDR\r\n");
    else if (is(line, "XCLIENT")) say(session, "220 backend\r\n");
    else if (is(line, "AUTH")) say(session, "235 in\r\n");
    else say(session, "250 ok\r\n");
}

/* --- lines ------------------------------------------------------------------------------------- */

static void data(struct conn *conn, char *bytes, size_t length) {
    struct session *session = (struct session *)conn;
    while (length > 0 && !conn->dead) {
        if (session->coming > 0) {
            size_t part = session->coming < length ? session->coming : length;
            session->coming -= part;
            bytes += part;
            length -= part;
            continue;
        }
        char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) + 1 : length;
        if (session->length + part >= LINE) return conn_drop(conn);
        memcpy(session->line + session->length, bytes, part);
        session->length += part;
        bytes += part;
        length -= part;
        if (!end) return;
        session->line[session->length] = 0;
        session->line[strcspn(session->line, "\r\n")] = 0;
        session->length = 0;
        session->command(session, session->line);
    }
}

static void drained(struct conn *conn) { send_message((struct session *)conn); }

static void closed(struct conn *conn, const char *why) { (void)conn, (void)why; }

static const struct handler handler = {.data = data, .drained = drained, .closed = closed};

static void take(int fd, void *with) {
    const struct service *service = with;
    struct session *session = calloc(1, sizeof *session);
    if (!session) fail("out of memory");
    session->command = service->command;
    conn_adopt(&session->conn, fd, &handler);
    say(session, service->greeting);
}

void serve_backends(const struct options *options) {
    static struct service services[3] = {
        {"* OK ready\r\n", imap}, {"+OK ready\r\n", pop3}, {"220 backend ESMTP\r\n", smtp}};
    for (size_t at = 0; at < BLOCK; at++)
        block[at] = at % 78 == 76 ? '\r' : at % 78 == 77 ? '\n' : (char)('a' + at % 26);
    int imap_port = loop_listen(options->imap, take, &services[0]);
    int pop3_port = loop_listen(options->pop3, take, &services[1]);
    int smtp_port = loop_listen(options->smtp, take, &services[2]);
    printf("{\"imap\":%d,\"pop3\":%d,\"smtp\":%d}\n", imap_port, pop3_port, smtp_port);
    fflush(stdout);
    for (;;) loop_turn(-1);
}
