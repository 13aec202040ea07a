import type { HeaderList } from "../header_list.ts";
import { inspectRegular } from "./field_section.ts";

/** What a valid request's header section says to the connection. */
export interface RequestShape {
  /** Announced octets of the body, or -1. */
  readonly contentLength: number;
  /** Whether the answer has no body whatever its `content-length` says. */
  readonly isHead: boolean;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+.\-]*$/;
/** A path has visible ASCII only, and no fragment (RFC 9113 §8.3.1, RFC 3986 §3.3). */
const PATH = /^\/[!"$-~]*$/;
/** Host and port without user information (RFC 9113 §8.3.1), percent-encoded sockets included. */
const AUTHORITY = /^(\[[0-9A-Za-z:.%]+\]|[0-9A-Za-z\-._~%!$&'()*+,;=]+)(:[0-9]{0,5})?$/;

/** A request's shape by its header section, or what is wrong with that (RFC 9113 §8.3.1). */
export function inspectRequest(fields: HeaderList): RequestShape | string {
  let method: string | undefined;
  let scheme: string | undefined;
  let authority: string | undefined;
  let path: string | undefined;
  let at = 0;
  for (; at < fields.length && fields[at]!.charCodeAt(0) === COLON; at += 2) {
    const value = fields[at + 1]!;
    switch (fields[at]) {
      case ":method":
        if (method !== undefined) return DOUBLED;
        method = value;
        break;
      case ":scheme":
        if (scheme !== undefined) return DOUBLED;
        scheme = value;
        break;
      case ":authority":
        if (authority !== undefined) return DOUBLED;
        authority = value;
        break;
      case ":path":
        if (path !== undefined) return DOUBLED;
        path = value;
        break;
      default:
        return "a pseudo-header field that no request has";
    }
  }
  const wrong = method === "CONNECT"
    ? wrongConnect(scheme, authority, path)
    : wrongTarget(method, scheme, authority, path);
  if (wrong) return wrong;
  const regular = inspectRegular(fields, at);
  if (typeof regular === "string") return regular;
  const host = wrongHost(regular.host, authority, scheme);
  if (host) return host;
  return { contentLength: regular.contentLength, isHead: method === "HEAD" };
}

const COLON = 0x3a;
const DOUBLED = "a doubled pseudo-header field";

function wrongTarget(
  method: string | undefined,
  scheme: string | undefined,
  authority: string | undefined,
  path: string | undefined,
): string | undefined {
  if (method === undefined) return "no :method";
  if (scheme === undefined) return "no :scheme";
  if (path === undefined) return "no :path";
  if (!TOKEN.test(method)) return "a malformed :method";
  if (!SCHEME.test(scheme)) return "a malformed :scheme";
  if (!PATH.test(path) && !(path === "*" && method === "OPTIONS")) return "a malformed :path";
  if (authority !== undefined && !AUTHORITY.test(authority)) return "a malformed :authority";
  return undefined;
}

/** RFC 9113 §8.5. */
function wrongConnect(
  scheme: string | undefined,
  authority: string | undefined,
  path: string | undefined,
): string | undefined {
  if (scheme !== undefined || path !== undefined) return "a CONNECT with :scheme or :path";
  if (authority === undefined || !AUTHORITY.test(authority)) return "a CONNECT without :authority";
  return undefined;
}

function wrongHost(
  host: string | undefined,
  authority: string | undefined,
  scheme: string | undefined,
): string | undefined {
  if (host === undefined) {
    const required = scheme === "http" || scheme === "https";
    return required && authority === undefined ? "neither :authority nor host" : undefined;
  }
  if (!AUTHORITY.test(host)) return "a malformed host field";
  if (authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return "a host field that differs from :authority";
  }
  return undefined;
}
