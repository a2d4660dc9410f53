/**
 * Names that are no directives here but that files have: directives of nginx that are passed over, and
 * those of other modules and of forks, so that a message can say what they are.
 */

/** Directives of `main` and `events` without a meaning here: accepted, with a note. */
export const PASSED_OVER: ReadonlySet<string> = new Set([
  "load_module",
  "master_process",
  "worker_priority",
  "worker_cpu_affinity",
  "worker_rlimit_core",
  "worker_rlimit_sigpending",
  "working_directory",
  "lock_file",
  "timer_resolution",
  "pcre_jit",
  "thread_pool",
  "debug_points",
  "env",
  "ssl_engine",
  "ssl_object_cache_inheritable",
  "use",
  "multi_accept",
  "accept_mutex",
  "accept_mutex_delay",
  "debug_connection",
  "worker_aio_requests",
]);

/** Blocks of other modules: passed over whole. */
export const PASSED_OVER_BLOCKS: ReadonlySet<string> = new Set(["http", "stream"]);

const ZIMBRA = "it is a directive of Zimbra's fork of nginx, which Doorpost does not have";

const ZIMBRA_NAMES = [
  "proxy_ssl",
  "proxy_ctimeout",
  "proxy_issue_imap_id",
  "proxy_issue_pop3_xoip",
  "imap_id",
  "imap_greeting",
  "imap_literalauth",
  "pop3_greeting",
  "smtp_greeting",
  "auth_wait",
  "default_realm",
  "sasl_app_name",
  "sasl_service_name",
  "sasl_host_from_ip",
  "master_auth_username",
  "master_auth_password",
];

/** Prefixes of Zimbra's throttles, route cache and lookup. */
const ZIMBRA_PREFIXES = [
  "mail_login_",
  "memcache",
  "zm_lookup",
  "ip_max",
  "ip_ttl",
  "user_max",
  "user_ttl",
];

const HTTP = "it belongs to http {} or stream {}: leave it out";
const ROUTE = "it belongs to http {} or stream {}; in mail {} the auth server names the backend";

const ROUTE_NAMES = [
  "proxy_pass",
  "upstream",
  "location",
  "proxy_bind",
  "proxy_connect_timeout",
  "proxy_next_upstream",
];

/** Common ones of `http {}` and `stream {}`, which files have in `mail {}` by mistake. */
const HTTP_NAMES = [
  ...["proxy_set_header", "proxy_read_timeout", "proxy_send_timeout"],
  ...["proxy_buffering", "proxy_buffers", "proxy_redirect", "proxy_http_version", "proxy_cache"],
  ...["proxy_ssl_verify", "proxy_ssl_name", "proxy_ssl_trusted_certificate", "fastcgi_pass"],
  ...["uwsgi_pass", "grpc_pass", "root", "index", "alias", "try_files", "return", "rewrite", "map"],
  ...["geo", "if", "set", "sendfile", "tcp_nopush", "tcp_nodelay", "keepalive_timeout", "gzip"],
  ...["types", "default_type", "server_tokens", "add_header", "error_page", "expires", "autoindex"],
  ...["client_max_body_size", "client_body_timeout", "client_header_timeout", "auth_basic"],
  ...["auth_request", "limit_conn", "limit_conn_zone", "limit_req", "limit_req_zone", "http2"],
  ...["ssl_stapling", "ssl_stapling_verify", "ssl_early_data", "ssl_reject_handshake"],
  ...["ssl_buffer_size", "ssl_preread", "preread_timeout", "js_import", "js_set"],
];

const HINTS: ReadonlyMap<string, string> = new Map([
  ["max_commands", "it is a directive of Angie's, which Doorpost does not have; see max_errors"],
  ["imap", 'the block has been called "mail" for long'],
  ["access_log", "mail has no access log: sessions are logged by error_log at level info"],
  ["log_format", "mail has no access log: sessions are logged by error_log at level info"],
  ["allow", "mail has no access lists: let the auth server judge Client-IP"],
  ["deny", "mail has no access lists: let the auth server judge Client-IP"],
  ["ssl_certificate_cache", "certificates are read at the start and at each reload"],
  ["real_ip_header", "in mail the address always comes from the PROXY header"],
  ["include", "TOML has no include"],
  ...ROUTE_NAMES.map((name): readonly [string, string] => [name, ROUTE]),
  ...HTTP_NAMES.map((name): readonly [string, string] => [name, HTTP]),
  ...ZIMBRA_NAMES.map((name): readonly [string, string] => [name, ZIMBRA]),
]);

/** What is known about a name that is no directive. */
export function hintForForeign(name: string): string | undefined {
  if (ZIMBRA_PREFIXES.some((prefix) => name.startsWith(prefix))) return ZIMBRA;
  return HINTS.get(name);
}
