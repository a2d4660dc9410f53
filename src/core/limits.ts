/**
 * Every cap in the house, with its reason. Sizes are bytes, durations milliseconds.
 * What an administrator can set has its default in the directive table instead.
 */

/** nginx's page-sized default of `*_client_buffer` and `proxy_buffer`: one command line must fit. */
export const CLIENT_BUFFER = 4096;

/** RFC 3501 tags are short; nginx takes 32 characters, and longer ones are an attack on the reply. */
export const IMAP_TAG = 32;

/** nginx takes no command with more than 3 IMAP arguments before login; none needs more. */
export const IMAP_ARGUMENTS = 3;
/** RFC 2971 section 3.3: at most 30 field-value pairs in an ID command. */
export const IMAP_ID_STRINGS = 60;
export const POP3_ARGUMENTS = 3;
/** MAIL and RCPT carry ESMTP parameters: nginx takes 11 words. */
export const SMTP_ARGUMENTS = 11;

/** `worker_connections are not enough` is said once in so long, however many clients are refused. */
export const CAPACITY_NOTE_MS = 1_000;

/** Before a worker that died is replaced: doubles up to the second while its successors die young. */
export const RESPAWN_MS = 100;
export const RESPAWN_MOST_MS = 10_000;

/** A worker that lived so long was sound: if it dies, its successor comes after the short wait again. */
export const WORKER_STEADY_MS = 10_000;

/** A worker that is not ready by then hangs. Reading keys and opening logs takes a fraction. */
export const WORKER_START_MS = 30_000;

/** Connections beyond which memory is given back once it is quiet: below, there is little to give. */
export const THRIFT_CONNECTIONS = 2_000;
/** It is quiet when nobody has come for so long. */
export const THRIFT_QUIET_MS = 500;

/** What sessions that are cut may take to say so in the log: they are told within one turn or two. */
export const LAST_LINES_MS = 1_000;

/** A worker that was told to end at once, or whose sessions have had their time, is killed after this. */
export const WORKER_END_MS = 5_000;

/** How long one old worker may take to stop accepting before a reload turns to the next. */
export const WORKER_RETIRE_MS = 5_000;

/** A PROXY v1 line is at most 107 bytes; a v2 header with TLVs is refused beyond this (as nginx). */
export const PROXY_HEADER = 4096;

/** A name in a PROXY v2 TLV: host names have at most 255 bytes, common names 64 characters (X.520). */
export const PROXY_TLV = 256;

/** An auth server's answer, status line to blank line. nginx stops at 1024; real servers send more. */
export const AUTH_RESPONSE = 16 * 1024;

/** What a keep-alive auth connection may still deliver as a body that nobody reads. */
export const AUTH_BODY = 64 * 1024;

/** Idle keep-alive connections kept per auth server, so that a burst leaves no crowd behind. */
export const AUTH_IDLE = 64;

/** How long an idle keep-alive connection is trusted; many HTTP servers close theirs after 60 s. */
export const AUTH_IDLE_MS = 30_000;

/** Queued output beyond which a peer that does not read is paused at the other side. */
export const HIGH_WATER = 64 * 1024;

/** A chunk from which on a stream is taken for one that is worth moving inside the kernel. */
export const POUR_FROM = 64 * 1024;

/** Moved at a time; it is also the most that may have to be read back and queued. */
export const POUR_STEP = 256 * 1024;

/** Moved for one session before others have their turn: one or two milliseconds. */
export const POUR_TURN = 4 * 1024 * 1024;

/** A log line longer than this is cut (nginx cuts at 2048 and loses the suffix; we cut the message). */
export const LOG_LINE = 2048;

/** Peer bytes quoted in a log message. */
export const LOG_QUOTE = 200;

/** Clients that may wait to be accepted where `listen` names no `backlog`: nginx's default on Linux. */
export const BACKLOG = 511;

/** Wait before accepting again after the process ran out of descriptors. */
export const ACCEPT_BACKOFF_MS = 100;

/** How long an ended connection may take to deliver its last bytes and the peer's close. */
export const LINGER_MS = 5_000;

/** A relayed session of which the client has closed its half: idle longer, it is over. */
export const HALF_CLOSED_MS = 60_000;

/** A configuration file, or one that it includes: beyond this it is not a configuration. */
export const CONFIG_FILE = 4 * 1024 * 1024;

/** Nested includes: deeper is a loop. */
export const INCLUDE_DEPTH = 16;

/** `Auth-Status: WAIT` answers to one submission: beyond this the auth server is looping. */
export const AUTH_RETRIES = 10;

/** Log bytes gathered within one event-loop turn: beyond this they are written without waiting. */
export const LOG_BATCH = 64 * 1024;

/** Log lines kept while a syslog socket is being opened: enough for what is said at the start. */
export const SYSLOG_QUEUE = 256;

/** Connections to one demo backend: a sandbox for one person, whose client opens a handful. */
export const DEMO_CONNECTIONS = 100;

/** Silence granted to demo clients: RFC 3501 section 5.4 asks for 30 minutes, the others ask for less. */
export const DEMO_IDLE_MS = 30 * 60_000;
/** Silence granted before login, and to the auth server's keep-alive connections. */
export const DEMO_LOGIN_MS = 60_000;

/** A demo IMAP command without its literals: RFC 7162 section 4 asks for 8192; UID sets grow longer. */
export const DEMO_IMAP_LINE = 64 * 1024;

/** Literals of one demo IMAP command other than APPEND: names and search strings, a few kilobytes. */
export const DEMO_IMAP_LITERALS = 64 * 1024;

/** Data items of one FETCH, keys of one SEARCH: clients send about ten, and each can cost a pass. */
export const DEMO_IMAP_ITEMS = 64;

/** Nested parentheses and NOTs of a SEARCH: deeper is an attack on the stack. */
export const DEMO_IMAP_DEPTH = 16;

/** Lines that a demo backend cannot make sense of, in one connection. */
export const DEMO_ERRORS = 20;

/** A demo POP3 or SMTP command line: RFC 4954 section 4 needs 12288 for AUTH. */
export const DEMO_LINE = 12_288;

/** Recipients of one demo transaction: RFC 5321 section 4.5.3.1.8 asks for 100 at least. */
export const DEMO_RECIPIENTS = 100;

/** One message in the demo mailbox, the SIZE that its SMTP server names: a mail with attachments. */
export const DEMO_MESSAGE = 10 * 1024 * 1024;

/** Everything in the demo mailbox: it lives in memory and only grows. */
export const DEMO_MAILBOX = 64 * 1024 * 1024;
export const DEMO_MESSAGES = 2000;
export const DEMO_FOLDERS = 100;
export const DEMO_FOLDER_NAME = 200;

/** Keywords on one demo message, and the length of one: clients use a few short ones. */
export const DEMO_KEYWORDS = 32;
export const DEMO_KEYWORD = 64;

/** MIME parts of one message, how deep they nest, and header fields that are looked at. */
export const DEMO_PARTS = 200;
export const DEMO_PART_DEPTH = 10;
export const DEMO_HEADER_FIELDS = 500;

/** Addresses of one header field that an ENVELOPE shows. */
export const DEMO_ADDRESSES = 500;

/** One request to the demo auth server, request line to blank line: a client certificate fits. */
export const DEMO_AUTH_REQUEST = 32 * 1024;

/** `WAIT` without an `Auth-Wait` asks again after this: nginx loops at once, thousands of times. */
export const AUTH_RETRY_MS = 1_000;

/** The longest `Auth-Wait` that is honoured: nobody waits longer for a login, but a slot is held. */
export const AUTH_WAIT_MS = 60 * 60 * 1000;

/** A failure text sent on to the client; nginx's whole answer from an auth server is 1024 bytes. */
export const AUTH_FAILURE_TEXT = 1000;

/** An auth server's addresses are looked up again after this: system resolvers tell no TTL. */
export const AUTH_NAME_MS = 30_000;

/** A server that answered HTTP/1.1 badly is asked by HTTP/1.0 alone for this long. */
export const AUTH_HTTP10_MS = 5 * 60 * 1000;

/** No byte of an answer on a new kept connection for so long: do not let others idle meanwhile. */
export const AUTH_STALL_MS = 1_000;

/** nginx's parse buffer: a longer word is a quote that somebody forgot to close. */
export const CONFIG_WORD = 4096;

/** `sun_path` of a unix socket has 108 bytes and ends in a NUL. */
export const UNIX_PATH = 107;

/** Names and addresses that the resolver remembers; one client address costs two. */
export const DNS_CACHE = 4096;

/** A DNS message: the length field of TCP allows more, a PTR or address answer needs far less. */
export const DNS_MESSAGE = 16 * 1024;

/** Values of one DNS answer: more do not fit in one by UDP, and what is kept of it must be bounded. */
export const DNS_VALUES = 32;

/** Look-ups under way: each holds a descriptor, which a slow DNS server must not use up. */
export const DNS_ASKING = 1024;

/** How long one DNS server is waited for before the next is asked (nginx resends after 5 s). */
export const DNS_RETRY_MS = 5_000;

/** Verdicts on client certificates that are kept for resumed TLS sessions: about 300 bytes each. */
export const CLIENT_VERDICTS = 10_000;

/** One reply that `probe` reads: the longest capability list is a few kilobytes. */
export const PROBE_REPLY = 64 * 1024;

/** Lines of a `probe` transcript: a dialogue has some fifty. */
export const PROBE_TRANSCRIPT = 1000;

/** Logins of one `probe --count`, and how many at once: a check, not a weapon. */
export const PROBE_COUNT = 100_000;
export const PROBE_CONCURRENCY = 200;

/** Targets of one `probe`, and how many of them are looked at at once. */
export const PROBE_TARGETS = 1000;
export const PROBE_AT_ONCE = 8;

/** How long `test-auth` waits for a body without a length; no session reads bodies at all. */
export const PROBE_BODY_MS = 1_000;

/** One request of `test-auth --suite`, and the whole suite: it is to end within a minute. */
export const SUITE_ASK_MS = 5_000;
export const SUITE_MS = 45_000;

/** Cases under way at once: the suite shall find out about a server, not about its load. */
export const SUITE_AT_ONCE = 4;

/** How long `test-auth --suite` follows an answer of WAIT. */
export const SUITE_WAIT_MS = 10_000;

/** Cases of one `test-auth --suite` file: each costs a request. */
export const SUITE_CASES = 1_000;

/** Bytes of a server's first TLS flight that `probe` reads: several certificates and an OCSP response. */
export const PROBE_FLIGHT = 128 * 1024;

/** How long a server may take to see that `probe` breaks a handshake off. */
export const PROBE_LEAVE_MS = 300;

/** Challenges of one SASL exchange that `probe` answers: no mechanism here has more than three. */
export const PROBE_CHALLENGES = 4;

/** TLS 1.3 records, up to the certificate, that it reads: a few are usual, and nonces count to 255. */
export const PROBE_RECORDS = 64;

/** How long `check-config --online` waits for an auth server and for a backend's greeting. */
export const ONLINE_MS = 10_000;

/** Bytes of a greeting that it looks at: RFC 5321 section 4.5.3.1.5 allows a reply line 512. */
export const ONLINE_GREETING = 1024;

/** Iterations of SCRAM that `probe` goes along with: four seconds' work; servers ask for thousands. */
export const SCRAM_ITERATIONS = 500_000;
