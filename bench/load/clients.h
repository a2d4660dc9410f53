/* Client sessions, for the roles that load a proxy. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "load.h"

enum { REPLY = 256 };

struct session {
    struct conn conn;
    int step;
    bool left, ready;
    uint64_t born, asked;
    /* Bytes of a literal that are still to come, and of a message that are still to go. */
    uint64_t coming, going;
    /* Its place among the sessions that stay. */
    int at;
    size_t length;
    char line[REPLY];
};

struct role {
    /* Logged in, where the script ends there; then each line of the session. Optional. */
    void (*ready)(struct session *session);
    void (*line)(struct session *session, const char *line);
    /* The queue is empty again. Optional. */
    void (*drained)(struct session *session);
    /* The session is over; it went well when `why` is NULL. */
    void (*over)(struct session *session, const char *why);
};

/* What the role has done so far; `failed` counts sessions. */
struct tally {
    uint64_t done, failed, bytes, live;
    struct histogram latency;
};

extern struct tally tally;

/* `whole` scripts end with a NOOP and the logout, others with the login. */
void clients_prepare(const struct options *options, const struct role *role, bool whole);
void session_start(void);
/* Ends it as failed; `over` is called. */
void session_fail(struct session *session, const char *why);
/* Ends it as done, at once and without a farewell. */
void session_finish(struct session *session);
/* Turns the loop until no session is left; what is left 20 s after `until` has failed. */
void clients_run_out(uint64_t until);
/* One line of JSON on standard output. */
void clients_report(double seconds);

#endif
