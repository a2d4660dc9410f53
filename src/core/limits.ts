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
export const POP3_ARGUMENTS = 3;
/** MAIL and RCPT carry ESMTP parameters: nginx takes 11 words. */
export const SMTP_ARGUMENTS = 11;

/** A PROXY v1 line is at most 107 bytes; a v2 header with TLVs is refused beyond this (as nginx). */
export const PROXY_HEADER = 4096;

/** An auth server's answer, status line to blank line. nginx stops at 1024; real servers send more. */
export const AUTH_RESPONSE = 16 * 1024;

/** What a keep-alive auth connection may still deliver as a body that nobody reads. */
export const AUTH_BODY = 64 * 1024;

/** Idle keep-alive connections kept per auth server, so that a burst leaves no crowd behind. */
export const AUTH_IDLE = 64;

/** How long an idle keep-alive connection is trusted; many HTTP servers close theirs after 60 s. */
export const AUTH_IDLE_MS = 30_000;

/** One reply of a backend while logging in, as nginx's `proxy_buffer` page. */
export const BACKEND_REPLY = 4096;

/** Queued output beyond which a peer that does not read is paused at the other side. */
export const HIGH_WATER = 64 * 1024;

/** A log line longer than this is cut (nginx cuts at 2048 and loses the suffix; we cut the message). */
export const LOG_LINE = 2048;

/** Peer bytes quoted in a log message. */
export const LOG_QUOTE = 200;

/** Wait before accepting again after the process ran out of descriptors. */
export const ACCEPT_BACKOFF_MS = 100;

/** How long an ended connection may take to deliver its last bytes and the peer's close. */
export const LINGER_MS = 5_000;

/** A configuration file, or one that it includes: beyond this it is not a configuration. */
export const CONFIG_FILE = 4 * 1024 * 1024;

/** Nested includes: deeper is a loop. */
export const INCLUDE_DEPTH = 16;
