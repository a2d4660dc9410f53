/* A fake auth server: allows everybody at once, over HTTP/1.0 and over kept HTTP/1.1 connections. */

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 4096, ANSWER = 256 };

struct client {
    struct conn conn;
    size_t length;
    char head[HEAD];
};

/* Prepared once: protocol by kept or not. */
static char answers[3][2][ANSWER];
static const char *const names[3] = {"imap", "pop3", "smtp"};

static bool has(const char *head, const char *line) { return strcasestr(head, line) != NULL; }

static const char *answer_to(const char *head, bool *kept) {
    bool http11 = has(head, " HTTP/1.1\r\n");
    *kept = http11 ? !has(head, "\r\nConnection: close") : has(head, "\r\nConnection: keep-alive");
    for (int i = 0; i < 3; i++) {
        char line[40];
        snprintf(line, sizeof line, "\r\nAuth-Protocol: %s\r\n", names[i]);
        if (has(head, line)) return answers[i][*kept];
    }
    fail("a request without Auth-Protocol");
}

static void data(struct conn *conn, char *bytes, size_t length) {
    struct client *client = (struct client *)conn;
    if (client->length + length >= HEAD) fail("a request over %d bytes", HEAD);
    memcpy(client->head + client->length, bytes, length);
    client->length += length;
    client->head[client->length] = 0;
    char *end = strstr(client->head, "\r\n\r\n");
    if (!end) return;
    bool kept;
    const char *answer = answer_to(client->head, &kept);
    client->length = 0;
    conn_write(conn, answer, strlen(answer));
    if (!kept) conn_end(conn);
}

static void closed(struct conn *conn, const char *why) { (void)conn, (void)why; }

static const struct handler handler = {.data = data, .closed = closed};

static void take(int fd, void *with) {
    (void)with;
    struct client *client = calloc(1, sizeof *client);
    if (!client) fail("out of memory");
    conn_adopt(&client->conn, fd, &handler);
}

void serve_auth(const struct options *options) {
    const int ports[3] = {options->imap, options->pop3, options->smtp};
    for (int i = 0; i < 3; i++)
        for (int kept = 0; kept < 2; kept++)
            snprintf(answers[i][kept], ANSWER,
                     "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\n"
                     "Auth-Port: %d\r\nContent-Length: 0\r\n%s\r\n",
                     ports[i], kept ? "" : "Connection: close\r\n");
    printf("{\"auth\":%d}\n", loop_listen(options->port, take, NULL));
    fflush(stdout);
    for (;;) loop_turn(-1);
}
