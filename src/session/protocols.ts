/** The registry: what each protocol is made of. A new protocol is one more row. */

import type { BackSettings } from "./back.ts";
import { ImapBack } from "./imap-back.ts";
import { ImapFront, type ImapSettings, ImapWords } from "./imap-front.ts";
import type { Back, BackLogin, Front, ProtocolName } from "./machine.ts";
import { Pop3Back } from "./pop3-back.ts";
import { Pop3Front, type Pop3Settings, Pop3Words } from "./pop3-front.ts";
import { SmtpBack } from "./smtp-back.ts";
import { SmtpFront, type SmtpSettings, SmtpWords } from "./smtp-front.ts";

/** All that any session reads of a server's settings. */
export type SessionSettings = ImapSettings & Pop3Settings & SmtpSettings & BackSettings;

/** A protocol with one server's settings: everything that can be prepared is. */
export interface Protocol {
  readonly name: ProtocolName;
  /** Bytes of client input that one command may have, and that are read ahead. */
  readonly clientBuffer: number;
  /** Whether the client's reverse name is looked up before the greeting. */
  readonly wantsHostName: boolean;
  /** Whether a challenge may have to be made: from a salt, then (see `FrontInput`). */
  readonly salted: boolean;
  front(): Front;
  back(login: BackLogin): Back;
}

const PROTOCOLS: Readonly<Record<ProtocolName, (settings: SessionSettings) => Protocol>> = {
  imap(settings) {
    const words = new ImapWords(settings);
    return {
      name: "imap",
      clientBuffer: settings.imap_client_buffer,
      wantsHostName: false,
      salted: settings.imap_auth.includes("cram-md5"),
      front: () => new ImapFront(words),
      back: (login) => new ImapBack(settings, login),
    };
  },
  pop3(settings) {
    const words = new Pop3Words(settings);
    return {
      name: "pop3",
      clientBuffer: settings.pop3_client_buffer,
      wantsHostName: false,
      salted: words.salted,
      front: () => new Pop3Front(words),
      back: (login) => new Pop3Back(settings, login),
    };
  },
  smtp(settings) {
    const words = new SmtpWords(settings);
    return {
      name: "smtp",
      clientBuffer: settings.smtp_client_buffer,
      wantsHostName: true,
      salted: settings.smtp_auth.includes("cram-md5"),
      front: () => new SmtpFront(words),
      back: (login) => new SmtpBack(settings, login),
    };
  },
};

export function prepareProtocol(name: ProtocolName, settings: SessionSettings): Protocol {
  return PROTOCOLS[name](settings);
}
