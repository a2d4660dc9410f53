/** The ports of the demo: each protocol's own, moved above the privileged ones. */

export interface DemoPorts {
  readonly imap: number;
  readonly imaps: number;
  readonly pop3: number;
  readonly pop3s: number;
  readonly submission: number;
  readonly smtps: number;
}

/** 1143 for IMAP, 1993 for IMAP over TLS, and so on. */
export const DEMO_PORT_BASE = 1000;

/** The well-known ports plus `base`. */
export function portsFrom(base: number = DEMO_PORT_BASE): DemoPorts {
  return {
    imap: base + 143,
    imaps: base + 993,
    pop3: base + 110,
    pop3s: base + 995,
    submission: base + 587,
    smtps: base + 465,
  };
}
