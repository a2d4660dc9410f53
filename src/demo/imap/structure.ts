/** BODY and BODYSTRUCTURE: the tree of MIME parts in parentheses. RFC 3501 section 7.4.2. */

import type { ByteString } from "../../core/bytes.ts";
import {
  countLines,
  type Entity,
  fieldOf,
  parameterOf,
  type Parametrised,
  parseParametrised,
} from "../message.ts";
import { envelope } from "./envelope.ts";
import { nstring } from "./print.ts";

/** `extended`: BODYSTRUCTURE, which adds disposition, language and the like to BODY. */
export function structure(entity: Entity, extended: boolean): ByteString {
  return entity.type.value.startsWith("multipart/")
    ? multipart(entity, extended)
    : single(entity, extended);
}

function multipart(entity: Entity, extended: boolean): ByteString {
  const parts = entity.children.map((child) => structure(child, extended)).join("");
  const subtype = nstring(entity.type.value.slice("multipart/".length));
  if (!extended) return `(${parts} ${subtype})`;
  return `(${parts} ${subtype} ${parameters(entity.type)} ${trailer(entity)})`;
}

function single(entity: Entity, extended: boolean): ByteString {
  const [type, subtype] = entity.type.value.split("/");
  const body = [
    nstring(type),
    nstring(subtype),
    parameters(entity.type),
    nstring(fieldOf(entity, "content-id")),
    nstring(fieldOf(entity, "content-description")),
    nstring(fieldOf(entity, "content-transfer-encoding") ?? "7bit"),
    String(entity.end - entity.body),
  ];
  if (entity.type.value === "message/rfc822") {
    const [inner] = entity.children;
    body.push(envelope(inner), structure(inner, extended), String(countLines(entity)));
  } else if (type === "text") body.push(String(countLines(entity)));
  if (extended) body.push(nstring(fieldOf(entity, "content-md5")), trailer(entity));
  return `(${body.join(" ")})`;
}

function parameters(of: Parametrised): ByteString {
  // A text without a charset is US-ASCII (RFC 2045 section 5.2), and clients like to be told.
  const given = of.value === "text/plain" && parameterOf(of, "charset") === null
    ? [["charset", "us-ascii"], ...of.parameters]
    : of.parameters;
  if (given.length === 0) return "NIL";
  return `(${given.map(([name, value]) => `${nstring(name)} ${nstring(value)}`).join(" ")})`;
}

/** Disposition, language and location. */
function trailer(entity: Entity): ByteString {
  const field = fieldOf(entity, "content-disposition");
  const disposition = field === null ? null : parseParametrised(field);
  const shown = disposition ? `(${nstring(disposition.value)} ${parameters(disposition)})` : "NIL";
  const language = nstring(fieldOf(entity, "content-language"));
  return `${shown} ${language} ${nstring(fieldOf(entity, "content-location"))}`;
}
