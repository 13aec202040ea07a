import type { CertificateSummary } from "../../errors/mod.ts";
import type { Advice } from "../../identity/mod.ts";
import { durationText } from "../../values/mod.ts";
import type { Outcome, Problem, Step } from "./report.ts";

const MARKS: Readonly<Record<Outcome, string>> = {
  passed: "ok  ",
  failed: "FAIL",
  skipped: "skip",
};

const TITLES: Readonly<Record<Exclude<Step["step"], "certificate">, string>> = {
  "tcp": "TCP",
  "tls": "TLS",
  "trust": "trust",
  "own-certificate": "our certificate",
  "handshake": "handshake",
};

/** Writes one step for a person at a terminal. */
export function render(step: Step, now: number): string {
  const title = step.step === "certificate" ? certificateTitle(step.index) : TITLES[step.step];
  const lines = [`${MARKS[step.outcome]}  ${title.padEnd(16)}${headline(step)}`.trimEnd()];
  if (step.step === "certificate" && step.certificate !== undefined) {
    lines.push(...certificateLines(step.certificate, now));
  }
  if ("advice" in step) lines.push(...(step.advice ?? []).flatMap(adviceLines));
  if (step.problem !== undefined) {
    // Whose dates are wrong has them in the lines above.
    const dated = step.step === "certificate" && step.certificate !== undefined;
    lines.push(...dated ? reasonLines(step.problem) : problemLines(step.problem));
  }
  return lines.join("\n");
}

function certificateTitle(index: number): string {
  return index === 0 ? "certificate" : `issuer ${index}`;
}

function headline(step: Step): string {
  switch (step.step) {
    case "tcp":
      return step.remoteAddress === undefined ? "" : `connected to ${step.remoteAddress}`;
    case "tls":
      return tlsHeadline(step);
    case "certificate":
      return (step.certificate?.subject ?? "cannot be read") +
        (step.stray === true ? " (stray: no path needs it, it is ignored)" : "");
    case "handshake":
      return step.why ?? (step.outcome === "passed" ? "the worker accepts our certificate" : "");
    default:
      return step.why ?? step.identity ?? "";
  }
}

/** A handshake that did not finish has no result of ALPN. */
function tlsHeadline(
  { outcome, version, cipher, keyExchange, alpn }: Extract<Step, { readonly step: "tls" }>,
): string {
  if (version === undefined) return "";
  const agreed = alpn ?? (outcome === "failed" ? "none" : undefined);
  const exchange = keyExchange === undefined ? undefined : `key exchange ${keyExchange}`;
  return [version, cipher, exchange, agreed === undefined ? undefined : `ALPN ${agreed}`]
    .filter((part) => part !== undefined).join(", ");
}

/** What a certificate says. */
export function certificateLines(certificate: CertificateSummary, now: number): string[] {
  const { names, notBefore, notAfter, issuer, serial, fingerprint } = certificate;
  return [
    field("names", names.length === 0 ? "none" : names.join(", ")),
    field("valid", `${notBefore} to ${notAfter} (${remaining(certificate, now)})`),
    field("issuer", issuer),
    field("serial", serial),
    field("sha256", fingerprint),
  ];
}

function problemLines(problem: Problem): string[] {
  const { message, evidence = {} } = problem;
  return [
    ...reasonLines(problem),
    field("found", evidence.found ?? message),
    ...(evidence.expected === undefined ? [] : [field("expected", evidence.expected.join(", "))]),
    ...(evidence.presented === undefined || evidence.found?.includes(evidence.presented.join(", "))
      ? []
      : [field("presented", evidence.presented.join(", ") || "none")]),
    ...(evidence.ownFiles === undefined ? [] : [field("files", evidence.ownFiles.join(", "))]),
    ...(evidence.advice === undefined ? [] : [field("do", evidence.advice)]),
  ];
}

function reasonLines({ reason, peerReason }: Problem): string[] {
  if (reason === undefined) return [];
  return [field("reason", peerReason === undefined ? reason : `${reason} (${peerReason})`)];
}

/** What could be better, with what asks for it and what gives it. */
export function adviceLines({ rule, field: of, found, asks, setting }: Advice): string[] {
  return [
    field("advice", `${of}: ${found} (${rule})`),
    field("", asks),
    field("set", setting),
  ];
}

/** A named line below a headline. */
export function field(name: string, value: string): string {
  return `        ${name.padEnd(10)}${value}`;
}

function remaining({ notBefore, notAfter }: CertificateSummary, now: number): string {
  if (now < Date.parse(notBefore)) {
    return `not for another ${durationText(Date.parse(notBefore) - now)}`;
  }
  const left = Date.parse(notAfter) - now;
  return left < 0 ? `expired ${durationText(-left)} ago` : `${durationText(left)} left`;
}
